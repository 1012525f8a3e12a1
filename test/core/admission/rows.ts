import { expect, it } from 'vitest';
import type { AdmissionInput } from '../../../src/core/admission.ts';
import type { Deployment, StringMap } from '../../../src/core/objects.ts';
import {
  admit,
  changed,
  deployment,
  healthy,
  type Parts,
  revision,
  template,
} from '../deployment-fixtures.ts';

// One request and what becomes of it, as a row of a table.

export interface Outcome {
  reason: string;
  /** Counted and told as a release that no canary tries. */
  ungated?: boolean;
  paused: boolean;
  /** All marks stored. */
  marks: StringMap;
  injected: boolean;
  /** A part of each warning, in order. */
  warnings?: string[];
}

export interface Row extends Outcome {
  stored?: Deployment;
  change?: Parts;
  /** The whole object of the request, instead of a change. */
  object?: Deployment;
  input?: Partial<AdmissionInput>;
}

/** Held by Kanari. */
export const held = (reason: string, marks: StringMap, ...warnings: string[]): Outcome => ({
  reason,
  paused: true,
  marks,
  injected: true,
  warnings,
});

/** Let out without a canary, and told of. */
export const released = (reason: string, marks: StringMap, ...warnings: string[]): Outcome => ({
  reason,
  ungated: true,
  paused: false,
  marks,
  injected: true,
  warnings,
});

/** Stored as it came. */
export const leftAlone = (reason: string, marks: StringMap = {}, ...warnings: string[]): Outcome => ({
  reason,
  paused: false,
  marks,
  injected: false,
  warnings,
});

/** Stored as it came, with the pause of its user. */
export const leftPaused = (reason: string, marks: StringMap, ...warnings: string[]): Outcome => ({
  ...leftAlone(reason, marks, ...warnings),
  paused: true,
});

export const v2 = template('web:v2');

/** The marks of a hold at `image`. */
export const run = (image: string, weight = '0', primary = 'web:v1'): StringMap => ({
  'kanari.dev/run': revision(image),
  'kanari.dev/primary': revision(primary),
  'kanari.dev/weight': weight,
  'kanari.dev/held-by': 'webhook',
});

/** The mark of what serves. */
export const serves = (image: string): StringMap => ({ 'kanari.dev/primary': revision(image) });

export const userPaused = (parts: Parts = {}): Deployment =>
  deployment({ paused: true, ...parts, annotations: { ...serves('web:v1'), ...parts.annotations } });

export const restarted = { 'kubectl.kubernetes.io/restartedAt': '2026-11-21T02:38:00Z' };

export const missedDeadline = (message: string, observedGeneration = 3): Deployment['status'] & object => ({
  ...healthy,
  observedGeneration,
  conditions: [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message }],
});

export const midRollout = { ...healthy, updatedReplicas: 2 };

const marksOf = (object: Deployment): StringMap =>
  Object.fromEntries(
    Object.entries(object.metadata.annotations ?? {}).filter(([name]) =>
      /^kanari\.dev\/(run|primary|weight|held-by)$/.test(name),
    ),
  );

const expectRow = (row: Row, { answer, after }: ReturnType<typeof admit>): void => {
  expect(answer).toMatchObject({ verdict: 'allow', reason: row.reason });
  expect('ungated' in answer ? answer.ungated : undefined).toBe(row.ungated ? row.reason : undefined);
  expect(after.spec.paused ?? false).toBe(row.paused);
  expect(marksOf(after)).toEqual(row.marks);
  expect(after.spec.template.metadata?.labels?.['kanari.dev/version'] === 'primary').toBe(row.injected);
  expect(answer.warnings).toEqual(
    (row.warnings ?? []).map((part) => expect.stringContaining(part) as string),
  );
};

/** Each row as an UPDATE of what is stored, a healthy Deployment at v1 unless said otherwise. */
export const describeUpdates = (rows: Record<string, Row>): void => {
  it.each(Object.entries(rows))('%s', (_sentence, row) => {
    const oldObject = row.stored ?? deployment();
    const object = row.object ?? changed(oldObject, row.change ?? {});
    expectRow(row, admit({ oldObject, object, ...row.input }));
  });
};

/** Each row as a CREATE. */
export const describeCreations = (rows: Record<string, Row>): void => {
  it.each(Object.entries(rows))('%s', (_sentence, row) => {
    expectRow(row, admit({ object: row.object ?? deployment(), ...row.input }));
  });
};
