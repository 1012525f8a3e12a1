import { describe, expect, it } from 'vitest';
import { collectProcessMetrics, createMetrics } from '../../src/telemetry/metrics.ts';

describe('the metrics', () => {
  it('are named with their unit and carry bounded labels', async () => {
    const metrics = createMetrics();
    metrics.admissionDuration.observe({ outcome: 'patched' }, 0.0015);
    metrics.admissionRequests.inc({ outcome: 'patched', reason: 'Held' });
    metrics.reflectorLastMessage.set({ kind: 'Deployment' }, 1_700_000_000);
    metrics.runs.inc({ outcome: 'Promoted' });
    const text = await metrics.registry.metrics();
    expect(text).toContain('kanari_admission_duration_seconds_bucket{le="0.002",outcome="patched"} 1');
    expect(text).toContain('kanari_admission_requests_total{outcome="patched",reason="Held"} 1');
    expect(text).toContain('kanari_reflector_last_message_timestamp_seconds{kind="Deployment"} 1700000000');
    expect(text).toContain('kanari_runs_total{outcome="Promoted"} 1');
    expect(text).toContain('kanari_leader 0');
  });

  it('of two processes in one do not meet', async () => {
    createMetrics().leader.set(1);
    expect(await createMetrics().registry.metrics()).toContain('kanari_leader 0');
  });

  it('of the process itself are there on request', async () => {
    const { registry } = createMetrics();
    collectProcessMetrics(registry);
    expect(await registry.metrics()).toContain('process_resident_memory_bytes');
  });
});
