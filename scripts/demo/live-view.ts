import type { Tally } from '../../lab/load.ts';
import type { LiveView } from './screen.ts';

// What is seen of a release while it runs.

export interface Moment {
  /** Since the release was applied. */
  seconds: number;
  phase: string;
  /** The canary's share in percent. */
  weight: number;
  message: string;
  /** Requests of the last second by version. */
  lastSecond: Readonly<Record<string, Tally>>;
}

const BAR_WIDTH = 40;

export const weightBar = (weight: number): string => {
  const filled = Math.round((weight * BAR_WIDTH) / 100);
  return '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
};

export const liveView = (moment: Moment): LiveView => {
  const { seconds, phase, weight, message } = moment;
  const weightText = `${String(weight).padStart(3)} %`;
  const traffic = trafficOf(moment.lastSecond);
  return {
    block: [
      '',
      `  ${phase.padEnd(12)} canary ${weightText} ${weightBar(weight)} ${seconds.toFixed(0)} s`,
      `  last second: ${traffic}`,
      `  ${message}`,
    ],
    line: `  ${`${seconds.toFixed(0)} s`.padStart(5)}  ${phase.padEnd(11)} canary ${weightText}  ${message}  [last second: ${traffic}]`,
    mark: `${phase} ${weight} ${message}`,
  };
};

const trafficOf = (versions: Readonly<Record<string, Tally>>): string => {
  const served = Object.entries(versions).filter(([, { requests }]) => requests > 0);
  const failures = served.reduce((sum, [, tally]) => sum + tally.failures, 0);
  const parts = served.map(([version, { requests }]) => `${nameOf(version)} ${requests}`);
  return [...parts, `failed ${failures}`].join(', ');
};

/** The load generator's `none` is an answer of the proxy's own, or none at all. */
const nameOf = (version: string): string => (version === 'none' ? 'no version' : version);
