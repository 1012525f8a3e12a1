import type { KubeObject } from '../core/objects.ts';
import type { Reader, Writer } from './api.ts';
import { isConflict, isNotFound } from './errors.ts';
import { microTime } from './micro-time.ts';
import { apiVersionOf, type ObjectRef } from './resources.ts';
import type { Timing } from './timing.ts';

// One process's claim to a Lease: what it has seen of it, what it can prove, and the single calls by which it takes the
// Lease, keeps it and gives it up.

interface Lease extends KubeObject {
  spec?: {
    /** Empty or absent: released. */
    holderIdentity?: string | null;
    leaseDurationSeconds?: number | null;
    acquireTime?: string | null;
    renewTime?: string | null;
    leaseTransitions?: number | null;
  };
}

/** A moment on both clocks. */
interface Instant {
  wall: number;
  monotonic: number;
}

export interface ClaimOptions {
  writer: Writer;
  reader: Reader;
  lease: { namespace: string; name: string };
  /** Unique per process: two with the same would both lead. */
  identity: string;
  timing: Timing;
  /** Milliseconds others wait after the last renewal they saw. */
  leaseDurationMs: number;
  /** Milliseconds after the start of the last good renewal until leadership counts as lost. */
  renewDeadlineMs: number;
}

export interface Claim extends ClaimOptions {
  ref: ObjectRef;
  /** The Lease as last seen, and when its record last changed, by this process's clock alone. */
  seen: { lease: Lease; record: string; at: number } | undefined;
  /** When the last good acquisition or renewal was begun; undefined: not leading. */
  renewedAt: Instant | undefined;
}

export const unclaimed = (lease: ClaimOptions['lease']): Pick<Claim, 'ref' | 'seen' | 'renewedAt'> => ({
  ref: { kind: 'Lease', ...lease },
  seen: undefined,
  renewedAt: undefined,
});

/** Who held the Lease when it was last read; undefined: nobody, or not read yet. */
export const holderOf = ({ seen }: Claim): string | undefined =>
  seen?.lease.spec?.holderIdentity || undefined;

const instant = ({ timing }: Claim): Instant => ({ wall: timing.now(), monotonic: timing.monotonic() });

/** Milliseconds of provable leadership left. A machine that slept shows it on the wall clock only. */
export const provenMs = (claim: Claim): number => {
  const { renewedAt, renewDeadlineMs } = claim;
  if (renewedAt === undefined) return 0;
  const now = instant(claim);
  const elapsed = Math.max(now.wall - renewedAt.wall, now.monotonic - renewedAt.monotonic);
  return renewDeadlineMs - elapsed;
};

export const isLeader = (claim: Claim): boolean => provenMs(claim) > 0;

const observe = (claim: Claim, lease: Lease): void => {
  const record = JSON.stringify(lease.spec ?? {});
  // Clocks of other machines are never trusted: expiry counts from when the record was last seen to change.
  const at = claim.seen?.record === record ? claim.seen.at : claim.timing.monotonic();
  claim.seen = { lease, record, at };
};

const isFree = (claim: Claim): boolean => {
  if (claim.seen === undefined) return false;
  const { lease, at } = claim.seen;
  const holder = lease.spec?.holderIdentity;
  if (!holder || holder === claim.identity) return true;
  const durationMs = (lease.spec?.leaseDurationSeconds ?? claim.leaseDurationMs / 1000) * 1000;
  return claim.timing.monotonic() - at > durationMs;
};

const heldSpec = (claim: Claim, lease: Lease | undefined): NonNullable<Lease['spec']> => {
  const now = microTime(claim.timing.now());
  const own = lease?.spec?.holderIdentity === claim.identity;
  const transitions = lease?.spec?.leaseTransitions ?? 0;
  return {
    holderIdentity: claim.identity,
    leaseDurationSeconds: Math.ceil(claim.leaseDurationMs / 1000),
    renewTime: now,
    acquireTime: own ? (lease.spec?.acquireTime ?? now) : now,
    leaseTransitions: own || lease === undefined ? transitions : transitions + 1,
  };
};

/** Writes only over the version last seen; a 409 means that somebody else was faster. */
const write = async (claim: Claim, spec: Lease['spec'], signal: AbortSignal): Promise<void> => {
  const begun = instant(claim);
  const { seen, ref, writer } = claim;
  const resourceVersion = seen?.lease.metadata.resourceVersion;
  const metadata = { ...claim.lease };
  const written: KubeObject =
    seen === undefined
      ? await writer.create<Lease>(
          { apiVersion: apiVersionOf('Lease'), kind: 'Lease', metadata, ...(spec && { spec }) },
          { signal },
        )
      : await writer.mergePatch(ref, { metadata: { resourceVersion }, spec }, { signal });
  observe(claim, written);
  // From before the request: others count from when it arrived, which is later.
  if (spec?.holderIdentity === claim.identity) claim.renewedAt = begun;
};

const read = async (claim: Claim, signal: AbortSignal): Promise<void> => {
  try {
    observe(claim, await claim.reader.get<Lease>(claim.ref, { signal }));
  } catch (error) {
    if (!isNotFound(error)) throw error;
    claim.seen = undefined;
  }
};

/** Takes the Lease if nobody holds it. Throws KubeError, with a conflict where somebody else was faster. */
export const tryAcquire = async (claim: Claim, signal: AbortSignal): Promise<void> => {
  await read(claim, signal);
  if (claim.seen === undefined || isFree(claim))
    await write(claim, heldSpec(claim, claim.seen?.lease), signal);
};

/** Throws KubeError; after a conflict the claim is as the Lease says. */
export const renew = async (claim: Claim, signal: AbortSignal): Promise<void> => {
  try {
    await write(claim, heldSpec(claim, claim.seen?.lease), signal);
  } catch (error) {
    if (!isConflict(error)) throw error;
    // Somebody annotated it, or an earlier renewal arrived although its answer did not.
    await read(claim, signal);
    if (holderOf(claim) !== claim.identity) claim.renewedAt = undefined;
  }
};

const release = (claim: Claim, signal: AbortSignal): Promise<void> => {
  const spec = { ...heldSpec(claim, claim.seen?.lease), holderIdentity: '', leaseDurationSeconds: 1 };
  return write(claim, spec, signal);
};

/** Lets the next one in at once instead of after the whole lease. Throws KubeError. */
export const giveUp = async (claim: Claim, signal: AbortSignal): Promise<void> => {
  try {
    await release(claim, signal);
  } catch (error) {
    if (!isConflict(error)) throw error;
    // The last renewal, cut off by the stop, may have arrived all the same.
    await read(claim, signal);
    if (holderOf(claim) === claim.identity) await release(claim, signal);
  }
};
