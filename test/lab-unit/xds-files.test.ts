import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EnvoyConfig } from '../../lab/envoy-config.ts';
import { createXdsFiles, RETIRE_AFTER_MS, type XdsFiles } from '../../lab/xds-files.ts';

let dir: string;
let files: XdsFiles;
let clock = 0;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kanari-xds-'));
  clock = 0;
  files = createXdsFiles(dir, () => clock);
  await files.prepare();
});

afterEach(() => rm(dir, { recursive: true, force: true }));

const configOf = (clusters: string[], routed: string[]): EnvoyConfig => ({
  routes: { virtual_hosts: routed },
  listeners: [],
  clusters: new Map(clusters.map((name) => [name, { name }])),
  assignments: new Map(clusters.map((name) => [name, { cluster_name: name }])),
});

const clusterNames = async (): Promise<string[]> => {
  const { resources } = JSON.parse(await readFile(files.clustersPath, 'utf8')) as {
    resources: { name: string }[];
  };
  return resources.map(({ name }) => name);
};

const A = 'outbound|80|a|web';
const B = 'outbound|80|b|web';
const accept = () => Promise.resolve();

describe('xDS files', () => {
  it('have endpoints before clusters, and clusters accepted before routes', async () => {
    const seen: unknown[] = [];
    await files.publish(configOf([A], [A]), async (kind) => {
      const routed = (await readFile(files.routesPath, 'utf8')).includes(A);
      seen.push({ kind, endpoints: existsSync(files.endpointsPath(A)), routed });
    });
    expect(seen).toEqual([
      { kind: 'clusters', endpoints: true, routed: false },
      { kind: 'routes', endpoints: true, routed: true },
    ]);
  });

  it('are not written again when nothing changed', async () => {
    await files.publish(configOf([A], [A]), accept);
    await files.publish(configOf([A], [A]), () => Promise.reject(new Error('written')));
  });

  it('keep a cluster for a while after the last route to it', async () => {
    await files.publish(configOf([A, B], [A, B]), accept);
    expect(await files.publish(configOf([A], [A]), accept)).toBe(true);
    expect(await clusterNames()).toEqual([A, B]);
    clock = RETIRE_AFTER_MS;
    expect(await files.publish(configOf([A], [A]), accept)).toBe(false);
    expect(await clusterNames()).toEqual([A]);
    expect(existsSync(files.endpointsPath(B))).toBe(false);
  });

  it('drop at once a cluster that is gone while a route still names it', async () => {
    await files.publish(configOf([A, B], [A, B]), accept);
    expect(await files.publish(configOf([A], [A, B]), accept)).toBe(false);
    expect(await clusterNames()).toEqual([A]);
  });
});
