import { createSend, type Send } from '../outbound/outbound.ts';

const notYet = () => Promise.resolve({ ok: false, message: 'not built yet' });

/** How runs reach webhooks and alert providers. */
export const createOutbound = (): Send => createSend({ webhook: notYet, alert: notYet });
