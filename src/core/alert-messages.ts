import type { AlertField, AlertMessage, Severity } from './alert.ts';
import { formatDuration } from './duration.ts';
import { counted } from './figures.ts';
import type { ObjectKey } from './objects.ts';
import type { CanaryStatus, HistoryEntry, MetricCheck, Outcome, Run } from './run.ts';

// What alerts say. Providers refuse what is too long, so nothing is: Discord takes 6,000 characters in all, and a
// character may become two of them.

const LONGEST = { title: 160, text: 400, name: 40, value: 160 } as const;
const MOST_FIELDS = 12;

/** One line of at most so many UTF-16 units, by which providers count. */
const line = (text: string, longest: number): string => {
  const start = text.length > longest ? text.slice(0, longest - 1) : text;
  // A character that was cut in half is one of these, too.
  const clean = start.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '·');
  return text.length > longest ? `${clean}…` : clean;
};

type Told = Omit<AlertMessage, 'namespace' | 'name'>;

const messageOf = (key: ObjectKey, told: Told): AlertMessage => {
  const [namespace = '', name = ''] = key.split('/');
  const field = (given: AlertField): AlertField => ({
    name: line(given.name, LONGEST.name),
    value: line(given.value, LONGEST.value),
  });
  return {
    ...told,
    namespace,
    name,
    title: line(`${key}: ${told.title}`, LONGEST.title),
    text: line(told.text, LONGEST.text),
    fields: told.fields
      .filter(({ value }) => value !== '')
      .slice(0, MOST_FIELDS)
      .map(field),
  };
};

const versionFields = ({ revision, images }: Pick<Run, 'revision' | 'images'>): AlertField[] => [
  { name: 'Revision', value: revision },
  { name: 'Images', value: images.join(', ') },
];

const weightField = (weight: number): AlertField => ({ name: 'Weight', value: `${weight} %` });

export const startedMessage = (key: ObjectKey, run: Run): AlertMessage =>
  messageOf(key, {
    id: `${run.startedAt}/${run.revision}/Started`,
    severity: 'info',
    moment: 'Started',
    title: 'canary started',
    text: `A new version is held and becomes a canary; revision ${run.primaryRevision} keeps serving.`,
    fields: versionFields(run),
  });

/** The run waits for somebody, and why. */
export const waitingMessage = (
  key: ObjectKey,
  run: Run,
  { reason, message, canaryWeight, lastTransitionTime }: CanaryStatus,
  severity: Severity,
): AlertMessage =>
  messageOf(key, {
    id: `${run.startedAt}/${run.revision}/${reason}@${lastTransitionTime}`,
    severity,
    moment: reason,
    title: severity === 'info' ? 'waits for approval' : 'canary does not go on',
    text: message,
    fields: [{ name: 'Reason', value: reason }, ...versionFields(run), weightField(canaryWeight)],
  });

const ENDS: Readonly<Record<Outcome, { severity: Severity; title: string }>> = {
  Promoted: { severity: 'info', title: 'promoted' },
  RolledBack: { severity: 'error', title: 'rolled back' },
  Aborted: { severity: 'error', title: 'aborted' },
  Superseded: { severity: 'info', title: 'superseded' },
  Reverted: { severity: 'info', title: 'reverted' },
  Skipped: { severity: 'info', title: 'released without the canary' },
};

export const severityOf = ({ outcome }: HistoryEntry): Severity => ENDS[outcome].severity;

const checkField = ({ metric, value, limit, requests }: MetricCheck): AlertField => ({
  name: metric,
  value: `${value} (limit ${limit}${requests > 0 ? `, ${counted(requests, 'request')}` : ''})`,
});

/** What the status still knows of a run that its history entry does not. */
const detailsOf = (
  entry: HistoryEntry,
  { run, checks }: CanaryStatus,
): { text: string; fields: AlertField[] } => {
  const isOfRun = run?.startedAt === entry.started && run.revision === entry.revision;
  const ending = isOfRun ? run.ending : undefined;
  if (ending === undefined) return { text: entry.reason, fields: [] };
  const weight = ending.weight === undefined ? [] : [weightField(ending.weight)];
  return { text: ending.message, fields: [...weight, ...checks.map(checkField)] };
};

/** A run that is history, by that alone: a later run may have begun. */
export const endedMessage = (key: ObjectKey, entry: HistoryEntry, status: CanaryStatus): AlertMessage => {
  const { outcome, reason, started, ended, revision } = entry;
  const { text, fields } = detailsOf(entry, status);
  const took = formatDuration(Math.max(0, Date.parse(ended) - Date.parse(started)));
  return messageOf(key, {
    ...ENDS[outcome],
    id: `${started}/${revision}/${outcome}`,
    moment: outcome,
    text,
    fields: [
      { name: 'Outcome', value: outcome },
      { name: 'Reason', value: reason },
      ...versionFields(entry),
      { name: 'Duration', value: took },
      ...fields,
    ],
  });
};
