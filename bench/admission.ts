import { decideAdmission } from '../src/core/admission.ts';
import { benchmarkApiServer } from './api-server.ts';
import { type Benchmark, runBenchmarks } from './measure.ts';
import { NAMESPACE, SIZES, serving } from './shop.ts';
import { benchmarkWebhook } from './webhook.ts';

const deciding = (bytes: number, tag: string): (() => unknown) => {
  const [object, oldObject] = [serving(tag, bytes), serving('v1', bytes)];
  return () =>
    decideAdmission({
      operation: 'UPDATE',
      object,
      oldObject,
      namespace: NAMESPACE,
      policies: [],
      username: 'jo',
      ownUsername: 'kanari',
      replicaSets: [],
      metricsConfigured: true,
      callersOutsideMesh: false,
    });
};

const decisions = (): Benchmark[] =>
  Object.entries(SIZES).flatMap(([size, bytes]) => [
    { name: `hold, ${size}`, run: deciding(bytes, 'v2') },
    { name: `same template, ${size}`, run: deciding(bytes, 'v1') },
  ]);

/** From the inside out: the pure decision, the webhook around it, and what an API server's clients see of both. */
export const benchmarkAdmission = async (): Promise<void> => {
  runBenchmarks('the pure decision, without TLS and JSON', decisions());
  await benchmarkWebhook();
  await benchmarkApiServer();
};
