import type { AlertMessage } from '../../core/alert.ts';

/** A message as it is shown, with the address to look further at. */
export interface Shown extends AlertMessage {
  link?: string;
}

/** What a provider is posted, as JSON. Never longer than it takes. */
export type Format = (shown: Shown) => object;

export const LINK_TITLE = 'Open';
