import { describe, expect, it } from 'vitest';
import { resultTable } from '../../../scripts/traffic/table.ts';
import type { CellResult } from '../../lab/traffic/results.ts';

const cell = (more: Partial<CellResult>): CellResult => ({
  column: 'Istio',
  scenario: 'good release',
  requests: 8_000,
  failures: 0,
  canaryErrors: 0,
  shares: [],
  passed: true,
  ...more,
});

describe('the table of results', () => {
  it('has a row for each scenario and a column for each way of routing', () => {
    const results = [
      cell({}),
      cell({ column: 'replicas' }),
      cell({ scenario: 'bad release', canaryErrors: 1, requests: 600 }),
    ];
    expect(resultTable(results).split('\n')).toEqual([
      '| scenario | Istio | replicas |',
      '| --- | --- | --- |',
      "| bad release | 0 of 600 failed; 1 500 of the canary's | – |",
      '| good release | 0 of 8000 failed | 0 of 8000 failed |',
    ]);
  });

  it('says which share was seen at each weight', () => {
    const shares = [
      { weight: 20, share: 19.7, requests: 4_010 },
      { weight: 50, share: 50.4, requests: 4_002 },
    ];
    expect(resultTable([cell({ shares })])).toContain(
      '0 of 8000 failed; 20 % → 19.7 % of 4010; 50 % → 50.4 % of 4002 |',
    );
  });

  it('marks what did not hold', () => {
    expect(resultTable([cell({ failures: 3, passed: false })])).toContain('3 of 8000 failed; **FAILED**');
  });
});
