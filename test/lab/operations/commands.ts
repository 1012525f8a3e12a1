import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import type { Deployment } from '../../../src/core/objects.ts';
import { settles } from './quiet.ts';
import { identityOf } from './release-judge.ts';
import { type Answer, type User, WEB } from './user.ts';

// Everything a user, their GitOps tool or a bad day may do to a Deployment. Each reads what came of it.

/** Nothing that a command would have to know beforehand: every one may be given at any time. */
export type Model = object;

class Command implements fc.AsyncCommand<Model, User> {
  private readonly name: string;
  private readonly act: (user: User) => Promise<unknown>;

  constructor(name: string, act: (user: User) => Promise<unknown>) {
    this.name = name;
    this.act = act;
  }

  check(): boolean {
    return true;
  }

  async run(_: Model, user: User): Promise<void> {
    user.note(`> ${this.name}`);
    await this.act(user);
    const found = user.found();
    if (found.length > 0) throw new Error(found.join('\n'));
  }

  toString(): string {
    return this.name;
  }
}

/** How a template comes to the API server. */
const VERBS: Record<string, (user: User, tag: string) => [string[], Deployment?]> = {
  apply: (user, tag) => [['apply', '-f', '-'], user.manifest(tag)],
  'server-side apply': (user, tag) => [
    ['apply', '--server-side', '--force-conflicts', '-f', '-'],
    user.manifest(tag),
  ],
  // A PUT of what is in Git: without any annotation.
  replace: (user, tag) => [['replace', '-f', '-'], user.manifest(tag)],
  'set image': (_, tag) => [['set', 'image', WEB, `web=web:${tag}`]],
  patch: (_, tag) => {
    const path = '/spec/template/spec/containers/0/image';
    const patch = JSON.stringify([{ op: 'replace', path, value: `web:${tag}` }]);
    return [['patch', WEB, '--type=json', '-p', patch]];
  },
};

const asks = (user: User, verb: string, tag: string): [string[], Deployment?] => {
  const ask = VERBS[verb];
  if (ask === undefined) throw new Error(`there is no verb ${verb}`);
  return ask(user, tag);
};

// One of them never becomes ready.
const tags = fc.constantFrom('v1', 'v2', 'v3', 'v4-neverready');
const verbs = fc.constantFrom(...Object.keys(VERBS));

const releases = fc
  .tuple(verbs, tags)
  .map(([verb, tag]) => new Command(`${verb} ${tag}`, (user) => user.does(...asks(user, verb, tag))));

const reverts = verbs.map(
  (verb) =>
    new Command(`${verb} what serves`, (user) => {
      const [tag = 'v1'] = (user.judge.serving ?? 'v1').split(' ');
      return user.does(...asks(user, verb, tag));
    }),
);

const simple = (name: string, args: string[]) => fc.constant(new Command(name, (user) => user.does(args)));

const rollouts = fc
  .constantFrom('pause', 'resume', 'restart', 'undo')
  .map((verb) => new Command(`rollout ${verb}`, (user) => user.does(['rollout', verb, WEB])));

const scales = fc.constantFrom(0, 1, 2, 3, 4).map(
  (replicas) =>
    new Command(`scale to ${replicas}`, async (user) => {
      user.replicas = replicas;
      user.judge.scaled(replicas);
      await user.does(['scale', WEB, `--replicas=${replicas}`]);
    }),
);

const skipping = (user: User, tag: string): Deployment => {
  const manifest = user.manifest(tag);
  return {
    ...manifest,
    metadata: { ...manifest.metadata, annotations: { 'kanari.dev/skip': user.fresh('INC') } },
  };
};

const skips = fc
  .option(tags, { nil: undefined })
  .map((tag) =>
    tag === undefined
      ? new Command('skip', (user) =>
          user.does(['annotate', WEB, `kanari.dev/skip=${user.fresh('INC')}`, '--overwrite']),
        )
      : new Command(`apply ${tag} with skip`, (user) => user.does(['apply', '-f', '-'], skipping(user, tag))),
  );

// Its user's way out in an emergency. For good it would leave nothing to look at.
const asides = fc.tuple(verbs, tags).map(
  ([verb, tag]) =>
    new Command(`opt out, ${verb} ${tag}, opt in`, async (user) => {
      await user.does(['label', WEB, 'kanari.dev/rollouts=disabled', '--overwrite']);
      await user.does(...asks(user, verb, tag));
      await user.does(['label', WEB, 'kanari.dev/rollouts-']);
    }),
);

const busy = simple('on-busy allow', ['annotate', WEB, 'kanari.dev/on-busy=allow', '--overwrite']);

const orders = fc.constantFrom('promote', 'abort', 'retry').map(
  (order) =>
    new Command(order, async (user) => {
      const held = identityOf((await user.shop.deployment()).spec.template);
      const { refusal } = await user.does([
        'annotate',
        'canary',
        'web',
        `kanari.dev/command=${order}`,
        '--overwrite',
      ]);
      if (order === 'promote' && refusal === undefined) user.judge.license(held);
    }),
);

const recreations = fc.tuple(fc.constantFrom('orphan', 'background', 'foreground'), tags).map(
  ([cascade, tag]) =>
    new Command(`delete with ${cascade}, create ${tag}`, async (user) => {
      await user.deletes(cascade);
      await user.create(tag);
    }),
);

const damages = fc.oneof(
  fc
    .constantFrom('deployment/web-canary', 'canary/web')
    .map(
      (victim) =>
        new Command(`delete ${victim}`, (user) =>
          user.shop.tryKubectl(['delete', victim, '--ignore-not-found', '--wait=false']),
        ),
    ),
  fc
    .constantFrom('canary', 'primary')
    .map((side) => new Command(`delete the pods of the ${side}`, (user) => user.removesPods(side))),
);

const waits = fc
  .constantFrom(300, 1_000, 2_500, 6_000, 9_000)
  .map((ms) => new Command(`wait ${ms} ms`, () => sleep(ms)));

const settled = fc.constant(new Command('wait until all is quiet', settles));

/** The API server must either refuse a new template, or store it held: never let it out because nobody looks. */
const seesHold = (user: User, { stored, refusal }: Answer, before: Deployment): void => {
  const { whileAway } = user.world;
  if (whileAway === 'denies' && refusal === undefined && stored !== undefined) {
    const changed = identityOf(stored.spec.template) !== identityOf(before.spec.template);
    if (changed && !user.judge.free) throw new Error('a template was changed while nobody could look at it');
  }
  if (whileAway === 'holds' && refusal !== undefined)
    throw new Error(`refused while Kanari is away: ${refusal}`);
};

const absences = fc
  .tuple(fc.constantFrom('kill', 'stop'), fc.option(fc.tuple(verbs, tags), { nil: undefined }))
  .map(
    ([end, change]) =>
      new Command(change === undefined ? `${end} Kanari` : `${end} Kanari, ${change.join(' ')}`, (user) =>
        user.world.without(end, async () => {
          if (change === undefined) return;
          const before = await user.shop.deployment();
          const answer = await user.doesNow(...asks(user, ...change));
          seesHold(user, answer, before);
        }),
      ),
  );

/** Changes of the template come most often: they are what must never slip through. */
export const commands = fc.oneof(
  { arbitrary: releases, weight: 8 },
  { arbitrary: reverts, weight: 2 },
  { arbitrary: rollouts, weight: 3 },
  { arbitrary: scales, weight: 2 },
  { arbitrary: skips, weight: 1 },
  { arbitrary: asides, weight: 1 },
  { arbitrary: busy, weight: 1 },
  { arbitrary: orders, weight: 2 },
  { arbitrary: recreations, weight: 1 },
  { arbitrary: damages, weight: 2 },
  { arbitrary: waits, weight: 4 },
  { arbitrary: settled, weight: 1 },
  { arbitrary: absences, weight: 2 },
);
