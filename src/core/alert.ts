// Alerts: what people are told of a run, wherever they are.

export type Severity = 'info' | 'warn' | 'error';

/** Who is told of a run, as a CanaryPolicy says. */
export interface AlertRule {
  /** Unique in the policy. */
  name: string;
  /** Name of an alert provider of Kanari's configuration. */
  provider: string;
  /** The least severe that it is told of. */
  severity: Severity;
}

/** One message, the same for every provider; each has its own way to show it. */
export interface AlertMessage {
  severity: Severity;
  /** `web.shop: promoted`. */
  title: string;
  /** In words, why. */
  text: string;
  /** Names and values that belong to it, in order. */
  fields: readonly { name: string; value: string }[];
  /** Where to look further, if the operator has said so. */
  link?: string;
}
