import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installAdmission } from '../../lab/admission.ts';
import { FIRST_START_MS, type Lab, startLab } from '../../lab/lab.ts';
import type { Deployment } from '../../src/core/objects.ts';
import { eventually, web } from './shop.ts';

// A canary deleted with orphan propagation would leave its pods to the version that serves. No Kanari runs here: the
// API server guards it alone.

let lab: Lab;
const at = (name: string): Deployment => {
  const { spec, ...deployment } = web('v1');
  const labels = { app: 'web', 'kanari.dev/version': name === 'web-canary' ? 'canary' : 'primary' };
  const template = { ...spec.template, metadata: { labels } };
  return {
    ...deployment,
    metadata: { name },
    spec: { ...spec, selector: { matchLabels: labels }, template },
  };
};

const kubectl = (...args: string[]) => lab.kubectl(['-n', 'shop', ...args], { allowFailure: true });
const exists = async (name: string): Promise<boolean> =>
  (await kubectl('get', 'deployment', name)).code === 0;
const make = (...names: string[]): Promise<unknown> =>
  lab.kubectl(['-n', 'shop', 'apply', '-f', '-'], {
    stdin: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: names.map(at) }),
  });

beforeAll(async () => {
  lab = await startLab();
  await installAdmission(lab, { failsafe: false });
  await lab.kubectl(['create', 'namespace', 'shop']);
  await make('web', 'web-canary');
  // The API server takes a moment to act by a policy.
  await eventually(async () =>
    expect(
      (await kubectl('delete', 'deployment/web-canary', '--cascade=orphan', '--dry-run=server')).code,
    ).toBe(1),
  );
}, FIRST_START_MS);
afterAll(() => lab?.stop());

const path = '/apis/apps/v1/namespaces/shop/deployments';

describe('a canary Deployment', () => {
  it('is not deleted with orphan propagation, and the refusal says what to do', async () => {
    const { code, stderr } = await kubectl('delete', 'deployment/web-canary', '--cascade=orphan');
    expect(code).toBe(1);
    expect(stderr).toContain(
      'kanari: web-canary is a canary. Orphaned, its pods would join those of the version',
    );
    expect(stderr).toContain('Delete it without --cascade=orphan, or end its run: kubectl annotate canary');
    expect(await exists('web-canary')).toBe(true);
  });

  it('is not deleted by the older way to ask for it, nor along with others', async () => {
    const orphaning = { orphanDependents: true };
    await expect(lab.api.request('DELETE', `${path}/web-canary`, orphaning)).rejects.toThrow('is a canary');
    const orphan = { propagationPolicy: 'Orphan' };
    await expect(lab.api.request('DELETE', path, orphan)).rejects.toThrow('is a canary');
    expect(await exists('web-canary')).toBe(true);
    // The others may have been deleted before the refusal: what is on its way out can't be applied again.
    await eventually(async () => {
      const { items } = await lab.api.request<{ items: Deployment[] }>('GET', path);
      expect(items.filter(({ metadata }) => metadata.deletionTimestamp !== undefined)).toEqual([]);
    });
  });

  it.for([[], ['--cascade=background'], ['--cascade=foreground'], ['--now']])(
    'is deleted with %s',
    async (flags) => {
      await make('web-canary');
      expect(await kubectl('delete', 'deployment/web-canary', '--timeout=180s', ...flags)).toMatchObject({
        code: 0,
      });
      expect(await exists('web-canary')).toBe(false);
    },
  );
});

it('every other Deployment may be deleted with orphan propagation', async () => {
  await make('web');
  expect(await kubectl('delete', 'deployment/web', '--cascade=orphan')).toMatchObject({ code: 0 });
  await eventually(async () => expect(await exists('web')).toBe(false));
});

it('a canary goes with its owner, and with its namespace', async () => {
  await make('web');
  const { metadata } = await lab.api.request<Deployment>('GET', `${path}/web`);
  const owner = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    name: 'web',
    uid: metadata.uid,
    controller: true,
  };
  const owned = at('web-canary');
  await lab.api.request('POST', path, {
    ...owned,
    metadata: { ...owned.metadata, ownerReferences: [owner] },
  });
  await kubectl('delete', 'deployment/web');
  await eventually(async () => expect(await exists('web-canary')).toBe(false));
  await make('web-canary');
  await lab.kubectl(['delete', 'namespace', 'shop', '--timeout=180s']);
});
