import type { AdmittedState } from './admission-patch.ts';
import type { DeploymentChange } from './deployment-change.ts';
import type { Ruling } from './gates.ts';
import { carryInjected, inject } from './injection.ts';
import { HELD_BY_MARK, MARKS, PRIMARY_MARK, RUN_MARK, WEIGHT_MARK } from './marks.ts';
import { annotationsOf } from './objects.ts';

type Marks = AdmittedState['marks'];

/** What a ruling makes of the Deployment; undefined when it is denied. */
export const admittedState = (change: DeploymentChange, ruling: Ruling): AdmittedState | undefined => {
  switch (ruling.kind) {
    case 'hold':
      return held(change, newRun(change), true);
    case 'revert':
      return held(change, revertingRun(change), change.templateChanged);
    case 'keepHold':
      return held(change, sameRun(change), false);
    case 'through':
      return {
        paused: !change.held && change.pauseRequested,
        marks: { [PRIMARY_MARK]: change.revision },
        template: inject(change.after.spec.template, change.injection),
      };
    case 'userPause':
      return { paused: true, marks: userPauseMarks(change), template: carried(change) };
    case 'allow':
      return { paused: change.pauseRequested, marks: storedMarks(change), template: carried(change) };
    case 'deny':
      return undefined;
  }
};

const held = (change: DeploymentChange, marks: Marks, injects: boolean): AdmittedState => ({
  paused: true,
  marks,
  template: injects ? inject(change.after.spec.template, change.injection) : carried(change),
  // At 0 the primary's ReplicaSet would be removed once it is scaled to zero, and nothing could come up again.
  ...(change.after.spec.revisionHistoryLimit === 0 ? { revisionHistoryLimit: 1 } : {}),
});

/** Nothing restarts that the user did not change: see carryInjected. */
const carried = ({ before, after, injection }: DeploymentChange): AdmittedState['template'] =>
  carryInjected(after.spec.template, before.spec.template, injection);

/** Users may neither drop nor forge marks: whatever the request has, these are stored. */
const storedMarks = ({ before }: DeploymentChange): Marks => {
  const annotations = annotationsOf(before);
  return Object.fromEntries(
    MARKS.flatMap((mark) => (annotations[mark] === undefined ? [] : [[mark, annotations[mark]]])),
  );
};

const newRun = ({ primary, revision }: DeploymentChange): Marks => ({
  [RUN_MARK]: revision,
  ...(primary === undefined ? {} : { [PRIMARY_MARK]: primary }),
  [WEIGHT_MARK]: '0',
  [HELD_BY_MARK]: 'webhook',
});

/** The stored run; a hold of the failsafe's lacks marks, which are made up, and is the webhook's from now on. */
const sameRun = (change: DeploymentChange): Marks => ({
  ...newRun(change),
  ...storedMarks(change),
  [HELD_BY_MARK]: 'webhook',
});

const revertingRun = (change: DeploymentChange): Marks => {
  const stored = storedMarks(change);
  return stored[RUN_MARK] === change.revision ? sameRun(change) : newRun(change);
};

// Without the marks of a hold: a person's pause must not be taken for one. The weight may be that of a promotion.
const userPauseMarks = (change: DeploymentChange): Marks => {
  const { [WEIGHT_MARK]: weight } = storedMarks(change);
  return {
    ...(change.primary === undefined ? {} : { [PRIMARY_MARK]: change.primary }),
    ...(weight === undefined ? {} : { [WEIGHT_MARK]: weight }),
  };
};
