import { discord } from './discord.ts';
import { googleChat } from './google-chat.ts';
import type { Format } from './shown.ts';
import { slack } from './slack.ts';
import { teams } from './teams.ts';

/** How each type of provider is told. `generic` gets the message as it is. */
export const FORMATS = {
  slack,
  teams,
  discord,
  googlechat: googleChat,
  generic: (shown) => shown,
} as const satisfies Record<string, Format>;

export type ProviderType = keyof typeof FORMATS;
