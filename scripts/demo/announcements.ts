import type { Lab } from '../../lab/lab.ts';
import type { KubeObject } from '../../src/core/objects.ts';
import type { Screen } from './screen.ts';
import { NAMESPACE } from './shop.ts';

type Event = KubeObject & {
  involvedObject?: { kind?: string };
  source?: { component?: string };
  type?: string;
  reason?: string;
  message?: string;
  count?: number;
};

/** Kanari's Events on the Deployment (the Canary gets the same), as they come. */
export const announceEvents = (lab: Lab, screen: Screen, signal: AbortSignal): Promise<void> => {
  const said = new Map<string, number>();
  const events = lab.api.mirror<Event>(`/api/v1/namespaces/${NAMESPACE}/events`, signal);
  events.onChange((event, change) => {
    const { involvedObject, source, type = '', reason = '', message = '', count = 1 } = event;
    if (change === 'DELETED' || source?.component !== 'kanari' || involvedObject?.kind !== 'Deployment')
      return;
    const { name } = event.metadata;
    if ((said.get(name) ?? 0) >= count) return;
    said.set(name, count);
    screen.say(`  Event  ${type} ${reason}: ${message}${count > 1 ? ` (${count} times)` : ''}`);
  });
  return events.ready;
};
