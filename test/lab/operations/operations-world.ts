import { expect } from 'vitest';
import type { KanariOptions } from '../../../lab/kanari.ts';
import { UNGATED_REASONS, type UngatedReason } from '../../../src/core/conditions.ts';
import { createOpeningHours, type OpeningHours } from '../opening-hours.ts';
import { type EventRecord, eventually, startWorld, type World } from '../shop.ts';

export type Count = Partial<Record<UngatedReason, number>>;

export const REASONS = Object.keys(UNGATED_REASONS) as UngatedReason[];

/** A lab whose Kanari comes and goes; what it counts is added up over its processes. */
export interface OperationsWorld extends Pick<World, 'lab' | 'openShop' | 'stop'> {
  hours: OpeningHours;
  /** What the API server does while Kanari does not answer. */
  whileAway: 'denies' | 'holds';
  /** Ends Kanari's process, does the work without it, and starts it again; nobody else changes anything meanwhile. */
  without<T>(end: 'kill' | 'stop', work: () => Promise<T>): Promise<T>;
  /** Ungated changes by reason, of all processes since the start. */
  counted(): Promise<Count>;
  /** The same as told in Events, of all namespaces. */
  told(): Promise<Count>;
}

interface CountedEvent extends EventRecord {
  count?: number;
}

/** Reasons that do not occur are left out. */
export const countOf = (count: (reason: UngatedReason) => number): Count =>
  Object.fromEntries(REASONS.map((reason) => [reason, count(reason)] as const).filter(([, n]) => n > 0));

export const countEvents = (events: readonly CountedEvent[]): Count =>
  countOf((reason) =>
    events
      .filter((event) => event.reason === reason && event.involvedObject.kind === 'Deployment')
      .reduce((sum, { count = 1 }) => sum + count, 0),
  );

const policyWhileAway = async ({ lab }: World): Promise<OperationsWorld['whileAway']> => {
  const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/zz-kanari';
  const { webhooks } = await lab.api.request<{ webhooks: { name: string; failurePolicy: string }[] }>(
    'GET',
    path,
  );
  const deployments = webhooks.find(({ name }) => name === 'deployments.kanari.dev');
  return deployments?.failurePolicy === 'Fail' ? 'denies' : 'holds';
};

export const startOperationsWorld = async (options: KanariOptions = {}): Promise<OperationsWorld> => {
  const world = await startWorld(options);
  const { lab, kanari } = world;
  const hours = createOpeningHours();
  let past: Count = {};
  const counted = async (): Promise<Count> => {
    const counts = REASONS.map((reason) =>
      world.counter('kanari_ungated_changes_total', `reason="${reason}"`),
    );
    const present = await Promise.all(counts);
    return countOf((reason) => (past[reason] ?? 0) + (present[REASONS.indexOf(reason)] ?? 0));
  };
  const told = async (): Promise<Count> =>
    countEvents((await lab.api.request<{ items: CountedEvent[] }>('GET', '/api/v1/events')).items);
  return {
    lab,
    openShop: (...args) => world.openShop(...args),
    stop: () => world.stop(),
    hours,
    whileAway: await policyWhileAway(world),
    counted,
    told,
    without: (end, work) =>
      hours.closed(async () => {
        // A process that dies right after its answer takes its Event along: not what is asked here.
        await eventually(async () => expect(await told()).toEqual(await counted()));
        await kanari[end]();
        // What it still counted after that it has told as well, and nobody can ask it any more.
        past = await told();
        try {
          return await work();
        } finally {
          await kanari.start();
        }
      }),
  };
};
