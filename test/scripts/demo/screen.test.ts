import { describe, expect, it } from 'vitest';
import type { PhaseCounts } from '../../../lab/load.ts';
import { createLastSecond } from '../../../scripts/demo/last-second.ts';
import { liveView, type Moment } from '../../../scripts/demo/live-view.ts';
import { createScreen, type Output } from '../../../scripts/demo/screen.ts';
import { summaryTable } from '../../../scripts/demo/summary.ts';

const MOMENT: Moment = {
  seconds: 12.4,
  phase: 'Progressing',
  weight: 50,
  message: 'collecting evidence',
  lastSecond: { v1: { requests: 50, failures: 0 }, v2: { requests: 49, failures: 1 } },
};

const recorded = (over: Partial<Output> = {}) => {
  let text = '';
  const output = {
    write: (more: string) => {
      text += more;
    },
    ...over,
  };
  return { screen: createScreen(output), text: () => text };
};

const phase = (name: string, versions: PhaseCounts['versions']): PhaseCounts => {
  const tallies = Object.values(versions);
  return {
    phase: name,
    seconds: 10,
    requests: tallies.reduce((sum, { requests }) => sum + requests, 0),
    failures: tallies.reduce((sum, { failures }) => sum + failures, 0),
    versions,
  };
};

describe('the live view', () => {
  it('shows weight, requests by version, failures and the message', () => {
    const block = liveView(MOMENT).block.join('\n');
    expect(block).toContain(`50 % ${'█'.repeat(20)}${'░'.repeat(20)}`);
    expect(block).toContain('v1 50, v2 49, failed 1');
    expect(block).toContain('collecting evidence');
  });

  it('is appended to what is no terminal, once for each change and without control characters', () => {
    const { screen, text } = recorded();
    screen.show(liveView(MOMENT));
    screen.show(liveView({ ...MOMENT, seconds: 13 }));
    screen.show(liveView({ ...MOMENT, weight: 60 }));
    expect(text().trimEnd().split('\n')).toHaveLength(2);
    expect(text()).not.toContain('\x1b');
  });

  it('is redrawn on a terminal, below what was said, and cut to its width', () => {
    const { screen, text } = recorded({ isTTY: true, columns: 20 });
    const view = liveView(MOMENT);
    screen.show(view);
    screen.say('an Event');
    const rows = view.block.length;
    const cut = `${view.block.map((line) => `${line.slice(0, 19)}\n`).join('')}`;
    expect(text()).toBe(`${cut}\x1b[${rows}A\x1b[Jan Event\n${cut}`);
  });

  it('stays when it is settled', () => {
    const { screen, text } = recorded({ isTTY: true, columns: 80 });
    screen.show(liveView(MOMENT));
    screen.settle();
    screen.say('after');
    expect(text()).not.toContain('\x1b');
  });
});

describe('the last second', () => {
  it('counts what came since the look a second ago, over all phases', () => {
    let now = 0;
    let phases = [phase('a', { v1: { requests: 10, failures: 0 } })];
    const lastSecond = createLastSecond(
      () => phases,
      () => now,
    );
    lastSecond();
    now = 600;
    phases = [phase('a', { v1: { requests: 70, failures: 1 } })];
    expect(lastSecond()).toEqual({ v1: { requests: 60, failures: 1 } });
    now = 1_700;
    phases = [...phases, phase('b', { v1: { requests: 5, failures: 0 }, v2: { requests: 3, failures: 3 } })];
    expect(lastSecond()).toEqual({ v1: { requests: 5, failures: 0 }, v2: { requests: 3, failures: 3 } });
  });
});

describe('the summary', () => {
  it('has a row for each phase and one for all', () => {
    const table = summaryTable([
      phase('v1', { v1: { requests: 100, failures: 0 } }),
      phase('v3', { v2: { requests: 90, failures: 0 }, v3: { requests: 10, failures: 2 } }),
    ]);
    expect(table.split('\n')).toEqual([
      '  phase  seconds  requests  failed  answered by',
      '  v1          10       100       0  v1 100',
      '  v3          10       100       2  v2 90, v3 10',
      '  all         20       200       2',
    ]);
  });
});
