import { createHash } from 'node:crypto';
import { type KubeObject, keyOf } from '../core/objects.ts';
import type { Writer } from './api.ts';
import { describeError, isAlreadyExists, isNotFound } from './errors.ts';
import { linkDeadline } from './linked-signal.ts';
import type { Log } from './log.ts';
import { secondTime } from './micro-time.ts';
import { createTokenBucket, type TokenBucket } from './token-bucket.ts';

const AGGREGATE_MS = 10 * 60_000;
const TIMEOUT_MS = 5_000;
const BURST = 25;
const REFILL_MS = 5_000;
// The API server refuses longer ones.
const MAX_MESSAGE_CHARS = 1_024;
const MAX_NAME_CHARS = 253;

export interface EventContent {
  type: 'Normal' | 'Warning';
  /** CamelCase, from the reason catalogue. */
  reason: string;
  /** For people. */
  message: string;
}

/** Writes core/v1 Events, as `kubectl describe` shows them. */
export interface EventRecorder {
  /**
   * Tells people something about an object. Never rejects, and gives up after 5 s: an Event is never worth failing
   * for. A repetition within 10 minutes raises the first one's count; what exceeds an object's rate is dropped.
   */
  record(object: KubeObject, content: EventContent): Promise<void>;
}

export interface EventRecorderOptions {
  writer: Writer;
  /** Shown as `From` by `kubectl describe`. */
  component: string;
  /** Which process of the component. */
  instance?: string;
  /** Wall clock, milliseconds since 1970. */
  clock: () => number;
  log: Log;
  signal: AbortSignal;
}

interface Series {
  name: string;
  count: number;
  lastAt: number;
}

interface Subject {
  bucket: TokenBucket;
  series: Map<string, Series>;
  lastAt: number;
  /** Writes about one object go one after the other, so that a repetition never overtakes the first. */
  tail: Promise<void>;
}

interface Recorder extends EventRecorderOptions {
  subjects: Map<string, Subject>;
}

const subjectOf = (recorder: Recorder, object: KubeObject, now: number): Subject => {
  const id =
    object.metadata.uid ?? `${object.kind}/${object.metadata.namespace ?? ''}/${object.metadata.name}`;
  const known = recorder.subjects.get(id);
  const bucket = () => createTokenBucket({ burst: BURST, refillMs: REFILL_MS });
  const subject = known ?? { bucket: bucket(), series: new Map(), lastAt: now, tail: Promise.resolve() };
  subject.lastAt = now;
  // Most recently used last, so that forgetting starts with those unheard of for longest.
  recorder.subjects.delete(id);
  recorder.subjects.set(id, subject);
  for (const [other, { lastAt }] of recorder.subjects) {
    if (now - lastAt <= AGGREGATE_MS) break;
    recorder.subjects.delete(other);
  }
  return subject;
};

const cut = (text: string, max: number): string => (text.length <= max ? text : `${text.slice(0, max - 1)}…`);

/** The same content begun at the same time gives the same name: a repeated create is not a second Event. */
const nameOf = (object: KubeObject, content: EventContent, startedAt: number): string => {
  const identity = [
    object.kind,
    object.metadata.uid,
    content.type,
    content.reason,
    content.message,
    startedAt,
  ];
  const hash = createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 16);
  return `${object.metadata.name.slice(0, MAX_NAME_CHARS - hash.length - 1)}.${hash}`;
};

// Events about objects without a namespace live in `default`: the API server insists.
const namespaceOf = (object: KubeObject): string => object.metadata.namespace ?? 'default';

interface Draft {
  name: string;
  content: EventContent;
  at: number;
}

const eventOf = (recorder: Recorder, object: KubeObject, { name, content, at }: Draft): KubeObject => {
  const { component, instance = component } = recorder;
  const { apiVersion, kind, metadata } = object;
  const { uid, resourceVersion, namespace } = metadata;
  const event = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name, namespace: namespaceOf(object) },
    involvedObject: { apiVersion, kind, name: metadata.name, namespace, uid, resourceVersion },
    ...content,
    message: cut(content.message, MAX_MESSAGE_CHARS),
    source: { component },
    reportingComponent: component,
    reportingInstance: instance,
    firstTimestamp: secondTime(at),
    lastTimestamp: secondTime(at),
    count: 1,
  };
  return event;
};

const seriesOf = (subject: Subject, id: string, now: number): Series | undefined => {
  for (const [other, { lastAt }] of subject.series) {
    if (now - lastAt > AGGREGATE_MS) subject.series.delete(other);
  }
  return subject.series.get(id);
};

interface Writing {
  object: KubeObject;
  subject: Subject;
  content: EventContent;
  at: number;
  signal: AbortSignal;
}

const repeat = async (recorder: Recorder, series: Series, { object, at, signal }: Writing): Promise<void> => {
  const ref = { kind: 'Event', name: series.name, namespace: namespaceOf(object) } as const;
  const body = { count: series.count + 1, lastTimestamp: secondTime(at) };
  await recorder.writer.mergePatch(ref, body, { signal });
  series.count += 1;
  series.lastAt = at;
};

const begin = async (recorder: Recorder, id: string, writing: Writing): Promise<void> => {
  const { object, subject, content, at, signal } = writing;
  const name = nameOf(object, content, at);
  try {
    await recorder.writer.create(eventOf(recorder, object, { name, content, at }), { signal });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
  subject.series.set(id, { name, count: 1, lastAt: at });
};

const write = async (recorder: Recorder, writing: Writing): Promise<void> => {
  const { type, reason, message } = writing.content;
  const id = JSON.stringify([type, reason, message]);
  const series = seriesOf(writing.subject, id, writing.at);
  if (series === undefined) return begin(recorder, id, writing);
  try {
    await repeat(recorder, series, writing);
  } catch (error) {
    // The API server forgets Events after an hour, and people may delete them.
    if (!isNotFound(error)) throw error;
    await begin(recorder, id, writing);
  }
};

const attempt = async (recorder: Recorder, writing: Omit<Writing, 'signal'>): Promise<void> => {
  const { kind, metadata } = writing.object;
  const link = linkDeadline(
    recorder.signal,
    TIMEOUT_MS,
    () => new Error('the Event was not answered for in time'),
  );
  try {
    await write(recorder, { ...writing, signal: link.signal });
  } catch (error) {
    const subject = { kind, object: keyOf({ metadata }), event: writing.content.reason };
    recorder.log.warn({ ...subject, ...describeError(error) }, 'Event could not be written');
  } finally {
    link.unlink();
  }
};

export const createEventRecorder = (options: EventRecorderOptions): EventRecorder => {
  const recorder: Recorder = { ...options, subjects: new Map() };
  return {
    record: async (object, content) => {
      const at = recorder.clock();
      const subject = subjectOf(recorder, object, at);
      if (!subject.bucket.take(at)) {
        recorder.log.debug({ object: keyOf(object), event: content.reason }, 'Event dropped: too many');
        return;
      }
      subject.tail = subject.tail.then(() => attempt(recorder, { object, subject, content, at }));
      await subject.tail;
    },
  };
};
