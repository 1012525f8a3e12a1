import type { Reader, Writer } from '../kube/api.ts';
import type { Logger } from '../telemetry/log.ts';
import { createCorrectionLimit } from './correction-limit.ts';
import { sameCertificates, splitBundle } from './validity.ts';
import {
  type Address,
  CONFIGURATION_NAME,
  otherManagers,
  planRegistration,
  readConfiguration,
  registeredBundle,
  type WebhookConfiguration,
  writeConfiguration,
} from './webhook-registration.ts';

/** Keeps Kanari's entries of the webhook configuration right. */
export interface Registrar {
  /** What the API server trusts now, as a PEM bundle. To be called before what is to be registered is looked up. */
  read: (signal: AbortSignal) => Promise<string>;
  /**
   * Registers the bundle (undefined: somebody else does) and the address, over the state last read: so a bundle that
   * was looked up earlier never replaces a newer one. Throws KubeError 409 or 422 when another was faster.
   * @returns what the API server trusts from now on
   */
  register: (bundle: string | undefined, signal: AbortSignal) => Promise<string>;
  /** What keeps it from being right, in words. */
  problem: () => string | undefined;
  /** Nothing is left of what was asserted: somebody wrote over it, and what was last read is needed by no replica. */
  overwritten: () => boolean;
}

export interface RegistrarDependencies {
  reader: Reader;
  writer: Writer;
  log: Logger;
  /** Milliseconds since the epoch. */
  now: () => number;
  address: Address;
}

/** Whether somebody else made what is not as wanted: it was asserted before, or part of it that is gone. Bundles. */
const isForeignChange = (asserted: string, found: string, wanted: string): boolean => {
  if (sameCertificates(asserted, wanted)) return true;
  const [present, still] = [splitBundle(found), splitBundle(wanted)];
  return splitBundle(asserted).some((cert) => still.includes(cert) && !present.includes(cert));
};

export const createRegistrar = (dependencies: RegistrarDependencies): Registrar => {
  const { reader, writer, log, now, address } = dependencies;
  const limit = createCorrectionLimit();
  let configuration: WebhookConfiguration | undefined;
  /** The bundle that was last written, or found as wanted. */
  let asserted: string | undefined;
  let problem: string | undefined;

  const settle = (next: string | undefined): void => {
    if (next !== undefined && next !== problem) log.warn({ configuration: CONFIGURATION_NAME }, next);
    problem = next;
  };

  /** Whether to leave the change of somebody else alone for now. */
  const isContested = (found: WebhookConfiguration, wanted: string): boolean => {
    if (asserted === undefined || !isForeignChange(asserted, registeredBundle(found), wanted)) return false;
    const others = otherManagers(found).join(', ') || 'somebody';
    const nextAt = limit.nextAt(now());
    if (now() < nextAt) {
      const next = new Date(nextAt).toISOString();
      settle(
        `${others} keeps changing caBundle or address of ${CONFIGURATION_NAME}; put right again at ${next}`,
      );
      return true;
    }
    limit.corrected(now());
    log.warn(
      { configuration: CONFIGURATION_NAME, others },
      'caBundle or address was changed, putting it right',
    );
    return false;
  };

  return {
    problem: () => problem,
    overwritten: () => {
      const [ours, found] = [splitBundle(asserted ?? ''), splitBundle(registeredBundle(configuration))];
      return ours.length > 0 && !ours.some((cert) => found.includes(cert));
    },
    read: async (signal) => {
      configuration = await readConfiguration(reader, signal);
      return registeredBundle(configuration);
    },
    register: async (bundle, signal) => {
      if (configuration === undefined) {
        settle(`there is no webhook configuration ${CONFIGURATION_NAME}`);
        return '';
      }
      const wanted = bundle ?? '';
      const operations = planRegistration(configuration, bundle, address);
      if (operations.length === 0) {
        limit.stands(now());
        asserted = wanted;
        settle(undefined);
      } else if (!isContested(configuration, wanted)) {
        await writeConfiguration(writer, configuration, operations, signal);
        asserted = wanted;
        log.info({ configuration: CONFIGURATION_NAME }, 'webhook registered');
        settle(undefined);
        return bundle ?? registeredBundle(configuration);
      }
      return registeredBundle(configuration);
    },
  };
};
