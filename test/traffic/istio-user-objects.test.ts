import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/core/objects.ts';
import type { TrafficTarget } from '../../src/traffic/router.ts';
import { all, owner, routeTo, ruleFor, setUp, signal, target } from './istio-fixture.ts';
import { service } from './router-contract.ts';

describe("the user's objects", () => {
  it('are patched by one annotation each when the webhook acts', async () => {
    const { api, router } = setUp(routeTo('web', 'web'), ruleFor('web', 'web'));
    await router.ensureDestinations(target, signal);
    await router.setShare(target, { weight: 20 }, signal);
    expect(api.writes).toEqual(['mergePatch DestinationRule web', 'mergePatch VirtualService web']);
  });

  it.each([true, false])('have no field of Kanari left after a run (webhook: %s)', async (webhook) => {
    const { api, router } = setUp(routeTo('web', 'web'), ruleFor('web', 'web'));
    api.webhook = webhook;
    await router.ensureDestinations(target, signal);
    await router.setShare(target, { weight: 20 }, signal);
    await router.restore(target, signal);
    await router.removeDestinations(target, signal);
    for (const object of all(api)) expect(object.metadata.managedFields).toEqual([{ manager: 'kubectl' }]);
  });

  it('are written directly, with a warning, when no webhook acts', async () => {
    const { api, router, warnings } = setUp(routeTo('web', 'web'));
    api.webhook = false;
    await router.setShare(target, { weight: 20 }, signal);
    expect(api.writes).toEqual([
      'mergePatch VirtualService web',
      'jsonPatch VirtualService web',
      'jsonPatch VirtualService web',
    ]);
    expect(warnings).toHaveLength(1);
    expect(router.read(target)).toMatchObject({ split: true, share: { weight: 20 } });
  });

  it("keep a user's edit that comes between", async () => {
    const { api, router } = setUp(routeTo('web', 'web'));
    let edits = 0;
    api.before = () => {
      if (edits++ < 2)
        api.put(
          routeTo('web', 'web', {
            http: [{ timeout: `${edits}s`, route: [{ destination: { host: 'web' } }] }],
          }),
        );
    };
    await router.setShare(target, { weight: 20 }, signal);
    expect(api.get('VirtualService', 'web')).toMatchObject({ spec: { http: [{ timeout: '2s' }] } });
    expect(router.read(target)).toMatchObject({ split: true, share: { weight: 20 } });
  });

  it('give up when somebody is faster every time', async () => {
    const { api, router } = setUp(routeTo('web', 'web'));
    api.before = () => api.put(routeTo('web', 'web'));
    await expect(router.setShare(target, { weight: 20 }, signal)).rejects.toMatchObject({ status: 409 });
  });

  it('may go in the middle', async () => {
    const { api, router } = setUp(routeTo('web', 'web'));
    api.before = () => api.remove('VirtualService', 'web');
    await router.setShare(target, { weight: 20 }, signal);
    expect(router.read(target).split).toBe(false);
  });

  it('are restored although a kill came between annotation and spec', async () => {
    const { api, router } = setUp(routeTo('web', 'web'));
    await router.setShare(target, { weight: 20 }, signal);
    api.webhook = false;
    await api.writer.mergePatch(
      { kind: 'VirtualService', name: 'web' },
      { metadata: { annotations: { 'kanari.dev/split': null } } },
      { signal },
    );
    expect(router.read(target).routesRestored).toBe(false);
    await router.restore(target, signal);
    expect(api.get('VirtualService', 'web')).toMatchObject({
      spec: { http: [{ route: [{ destination: { host: 'web' } }] }] },
    });
    expect(router.read(target).routesRestored).toBe(true);
  });

  it('are unsplit for the state as soon as somebody rewrites one without the webhook', async () => {
    const { api, router } = setUp(routeTo('web', 'web'));
    await router.setShare(target, { weight: 20 }, signal);
    api.webhook = false;
    api.put(routeTo('web', 'web'));
    expect(router.read(target)).toMatchObject({ split: false, share: undefined });
  });

  it('of a shape nobody can read disturb no other', async () => {
    const { router } = setUp(routeTo('web', 'web'), {
      ...routeTo('odd', 'web'),
      spec: undefined,
    } as KubeObject);
    await router.setShare(target, { weight: 20 }, signal);
    expect(router.read(target)).toMatchObject({ split: true, share: { weight: 20 } });
  });

  it('count as split only when all of them are, at one weight', async () => {
    const { api, router } = setUp(routeTo('web', 'web'), routeTo('more', 'web'));
    await router.setShare(target, { weight: 20 }, signal);
    const behind = api.get('VirtualService', 'more')!;
    await router.setShare(target, { weight: 50 }, signal);
    api.webhook = false;
    api.put(behind);
    expect(router.read(target)).toMatchObject({ split: false, share: undefined });
    await router.setShare(target, { weight: 50 }, signal);
    expect(router.read(target)).toMatchObject({ split: true, share: { weight: 50 } });
  });

  it("carry two Deployments' splits beside each other", async () => {
    const shared = routeTo('both', 'web', {
      http: [
        {
          route: [
            { destination: { host: 'web' }, weight: 50 },
            { destination: { host: 'api' }, weight: 50 },
          ],
        },
      ],
    });
    const { api, router } = setUp(shared, routeTo('api', 'api'));
    const other: TrafficTarget = { key: 'shop/api', owner, services: [service('api')] };
    await router.setShare(target, { weight: 20 }, signal);
    await router.setShare(other, { weight: 50 }, signal);
    expect([router.read(target).share?.weight, router.read(other).share?.weight]).toEqual([20, 50]);
    await router.restore(target, signal);
    expect(router.read(other)).toMatchObject({ split: true, share: { weight: 50 } });
    await router.restore(other, signal);
    expect(api.get('VirtualService', 'both')).toMatchObject({
      spec: (shared as unknown as { spec: object }).spec,
    });
  });

  it("are split within the user's subsets that the held template carries", async () => {
    const subsets = [
      { name: 'v1', labels: { app: 'web' } },
      { name: 'v2', labels: { track: 'x' } },
    ];
    const route = [
      { destination: { host: 'web', subset: 'v1' }, weight: 50 },
      { destination: { host: 'web', subset: 'v2' }, weight: 50 },
    ];
    const { api, router } = setUp(
      routeTo('web', 'web', { http: [{ route }] }),
      ruleFor('web', 'web', { subsets }),
    );
    expect(router.read(target).split).toBe(false);
    const known = { ...target, podLabels: { app: 'web' } };
    await router.ensureDestinations(known, signal);
    await router.setShare(known, { weight: 20 }, signal);
    expect(router.read(known)).toMatchObject({ destinations: true, split: true, share: { weight: 20 } });
    expect(api.get('VirtualService', 'web')).toMatchObject({
      spec: {
        http: [{ route: [{ weight: 40 }, { weight: 10 }, { destination: { subset: 'v2' }, weight: 50 }] }],
      },
    });
    expect(router.read(target).split).toBe(false);
  });
});

describe("a user's subset, while nobody knows the held template's labels,", () => {
  it('is left alone, and the route does not count as split', async () => {
    const route = [
      { destination: { host: 'web', subset: 'v1' }, weight: 50 },
      { destination: { host: 'web' }, weight: 50 },
    ];
    const { api, router } = setUp(routeTo('web', 'web', { http: [{ route }] }));
    await router.setShare(target, { weight: 20 }, signal);
    expect(api.get('VirtualService', 'web')).toMatchObject({
      spec: { http: [{ route: [route[0], { weight: 40 }, { weight: 10 }] }] },
    });
    expect(router.read(target).split).toBe(false);
  });
});

describe('a Deployment without Services', () => {
  const worker: TrafficTarget = { ...target, services: [] };

  it('has nothing to split', async () => {
    const { api, router } = setUp();
    await router.ensureDestinations(worker, signal);
    await router.setShare(worker, { weight: 20 }, signal);
    expect(api.writes).toEqual([]);
    expect(router.read(worker)).toMatchObject({ provider: 'none', destinations: true, split: true });
  });

  it('still has to give its routes back when the Service went mid-run', async () => {
    const { router } = setUp(routeTo('web', 'web'));
    await router.setShare(target, { weight: 20 }, signal);
    expect(router.read(worker)).toMatchObject({ provider: 'istio', routesRestored: false });
    await router.restore(worker, signal);
    expect(router.read(worker)).toMatchObject({ provider: 'none', routesRestored: true });
  });
});
