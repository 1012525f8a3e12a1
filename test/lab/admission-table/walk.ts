import { expect } from 'vitest';
import type { CommandResult } from '../../../lab/command.ts';
import { type Deployment, labelsOf, type StringMap } from '../../../src/core/objects.ts';
import { eventually, imageOf, type Shop, uidsOf } from '../shop.ts';
import type { Ledger } from './ledger.ts';
import type { Outcome } from './outcomes.ts';
import {
  canaryHasItsShare,
  look,
  marksOf,
  primaryRevision,
  revisionIn,
  type Sight,
  setsWithPods,
} from './sight.ts';

// Whether all that an outcome says has come about: what is stored, what the client was told, what runs.

export interface Expected {
  outcome: Outcome;
  before: Sight;
  /** Of a template that is to be stored as requested. */
  image: string;
  restarts: boolean;
  /** The tag that serves. */
  primaryTag: string;
  /** Nothing on the Deployment tells what serves. */
  primaryUnknown: boolean;
  /** A scheduler takes up what admission has held. */
  scheduled: boolean;
}

const expectedMarks = ({ outcome, before, primaryUnknown }: Expected, stored: Deployment): StringMap => {
  const primary: StringMap = primaryUnknown ? {} : { 'kanari.dev/primary': primaryRevision(before) };
  switch (outcome.marks) {
    case 'hold':
      return { 'kanari.dev/run': revisionIn(stored), 'kanari.dev/held-by': 'webhook', ...primary };
    case 'pause':
      return primary;
    case 'release':
      return { 'kanari.dev/primary': revisionIn(stored) };
    case 'kept':
      return marksOf(before.deployment);
    case 'none':
      return {};
  }
};

/** Labels of a pod template that has been admitted where there is no mesh. */
export const INJECTED = { app: 'web', 'kanari.dev/version': 'primary', version: 'primary' };

/** What admission made of the request: in the cluster, or in the answer to a dry run. */
export const expectStored = (stored: Deployment, expected: Expected): void => {
  const { outcome } = expected;
  const { spec } = expected.before.deployment;
  expect(marksOf(stored)).toEqual(expectedMarks(expected, stored));
  expect(stored.spec.paused ?? false).toBe(
    outcome.paused === 'kept' ? (spec.paused ?? false) : outcome.paused,
  );
  expect(stored.spec.revisionHistoryLimit).toBe(outcome.revisionHistoryLimit ?? spec.revisionHistoryLimit);
  if (outcome.template === 'kept') return expect(stored.spec.template).toEqual(spec.template);
  expect(imageOf(stored)).toBe(expected.image);
  const annotations = stored.spec.template.metadata?.annotations ?? {};
  expect('kubectl.kubernetes.io/restartedAt' in annotations).toBe(expected.restarts);
  const injects = outcome.marks === 'hold' || outcome.marks === 'release';
  expect(stored.spec.template.metadata?.labels).toEqual(
    injects ? INJECTED : labelsOf({ metadata: spec.template.metadata ?? {} }),
  );
};

const PREFIX = 'Warning: kanari: ';

export const warningsIn = ({ stderr }: CommandResult): string[] =>
  stderr
    .split('\n')
    .filter((line) => line.startsWith(PREFIX))
    .map((line) => line.slice(PREFIX.length));

const primaryName = ({ before, primaryTag, primaryUnknown, restarts }: Expected): string => {
  if (primaryUnknown) return 'the primary';
  // The image in a paused Deployment is not what serves, and a restart has the same: the revision must do.
  return before.deployment.spec.paused === true || restarts ? primaryRevision(before) : primaryTag;
};

/** Every word of Kanari's that the client was shown, and whether its request was let. */
export const expectSaid = (said: CommandResult, expected: Expected): void => {
  const { outcome } = expected;
  expect(warningsIn(said)).toEqual(outcome.warnings({ primary: primaryName(expected) }));
  if (outcome.refused !== undefined) expect(said.stderr).toMatch(outcome.refused);
  expect(said.code, said.stderr).toBe(outcome.refused === undefined ? 0 : 1);
};

/** What runs: pods of the requested template, or those that ran before. */
export const expectRunning = async (shop: Shop, { outcome, before }: Expected): Promise<void> => {
  if (outcome.rollsOut) {
    await eventually(async () => {
      const after = await look(shop);
      const running = setsWithPods(after).map(revisionIn);
      if (after.deployment.spec.replicas !== 0) expect(running).toContain(revisionIn(after.deployment));
    });
    return;
  }
  const after = await look(shop);
  expect(uidsOf(after.pods)).toEqual(expect.arrayContaining(uidsOf(before.pods)));
  if (before.pods.length > 0) expect(uidsOf(setsWithPods(after))).toEqual(uidsOf(setsWithPods(before)));
};

/** All of it. What nobody schedules stays as admission left it. */
export const expectOutcome = async (
  { shop, ledger }: { shop: Shop; ledger: Ledger },
  said: CommandResult,
  expected: Expected,
): Promise<void> => {
  const { outcome, scheduled } = expected;
  if (outcome.ungated !== undefined) ledger.expect(shop, outcome.ungated);
  expectSaid(said, expected);
  if (outcome.releasedLater) {
    await eventually(async () => expect((await shop.deployment()).spec.paused ?? false).toBe(false));
  }
  const stored = await shop.deployment();
  expectStored(stored, expected);
  await expectRunning(shop, expected);
  if (!scheduled || outcome.marks !== 'hold' || stored.spec.replicas === 0) return;
  await canaryHasItsShare(shop);
  // The pods of the primary have been adopted meanwhile, and none of them was restarted for it.
  await expectRunning(shop, expected);
};
