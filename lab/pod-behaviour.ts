/** How a pod of the lab behaves; all of it comes from its image's tag. */
export interface PodBehaviour {
  /** The whole tag (`v3-errors10`), or `latest`. */
  version: string;
  /** Share of requests answered 500, in percent. */
  errorPercent: number;
  /** Added to each answer. */
  latencyMs: number;
  /** From bound to ready, when the tag says so. */
  startMs: number | undefined;
  /** Ends its connections when it is asked to end, rather than with its grace period. */
  abrupt: boolean;
  /** Its container is killed again and again while it serves, and started anew. */
  killed: { everyMs: number; outOfMemory: boolean } | undefined;
  fate: 'serves' | 'never-ready' | 'crashes' | 'pull-fails';
}

/**
 * Reads `registry/web:v3-errors10-slow300-start5`: the first word is the version's name, the others are
 * `errors<percent>`, `slow<ms>`, `start<seconds>`, `oom<seconds>`, `restart<seconds>`, `abrupt`, `neverready`, `crash`
 * and `pullfail`. Unknown words mean nothing.
 */
export const behaviourOf = (image: string): PodBehaviour => {
  const version = tagOf(image);
  const words = version.split('-').slice(1);
  const number = (name: string): number | undefined => {
    const pattern = new RegExp(`^${name}(\\d+(?:\\.\\d+)?)$`);
    const match = words.map((word) => pattern.exec(word)?.[1]).find((digits) => digits !== undefined);
    return match === undefined ? undefined : Number(match);
  };
  const startSeconds = number('start');
  return {
    version,
    errorPercent: Math.min(number('errors') ?? 0, 100),
    latencyMs: number('slow') ?? 0,
    startMs: startSeconds === undefined ? undefined : startSeconds * 1000,
    abrupt: words.includes('abrupt'),
    killed: killedBy(number('oom'), true) ?? killedBy(number('restart'), false),
    fate: fateOf(words),
  };
};

/**
 * Whether the n-th request (from 1) fails: an exact, evenly spread share rather than a random one, so that a run
 * of the lab can be repeated.
 */
export const failsAt = (request: number, errorPercent: number): boolean =>
  Math.floor((request * errorPercent) / 100) > Math.floor(((request - 1) * errorPercent) / 100);

const killedBy = (seconds: number | undefined, outOfMemory: boolean): PodBehaviour['killed'] =>
  seconds === undefined ? undefined : { everyMs: seconds * 1000, outOfMemory };

const fateOf = (words: string[]): PodBehaviour['fate'] => {
  if (words.includes('pullfail')) return 'pull-fails';
  if (words.includes('crash')) return 'crashes';
  return words.includes('neverready') ? 'never-ready' : 'serves';
};

const tagOf = (image: string): string => {
  const [reference = ''] = image.split('@');
  // A colon before the last slash belongs to the registry's port.
  const name = reference.slice(reference.lastIndexOf('/') + 1);
  const colon = name.indexOf(':');
  return colon === -1 ? 'latest' : name.slice(colon + 1);
};
