// Alerts: what people are told of a run, wherever they are.

export const SEVERITIES = ['info', 'warn', 'error'] as const;

export type Severity = (typeof SEVERITIES)[number];

/** Who is told of a run, as a CanaryPolicy says. */
export interface AlertRule {
  /** Unique in the policy. */
  name: string;
  /** Name of an alert provider of Kanari's configuration. */
  provider: string;
  /** The least severe that it is told of. */
  severity: Severity;
}

/** What the operator has set for alerts. */
export interface OperatorAlerts {
  /** Names of the providers that there are. */
  providers: readonly string[];
  /** Who is told of every run, whatever policies say. */
  rules: readonly Omit<AlertRule, 'name'>[];
}

/** One message, the same for every provider; each has its own way to show it. Lengths are bounded, lines are single. */
export interface AlertMessage {
  /** The same for each try at one message, and for no other: a receiver may know by it what it has had. */
  id: string;
  severity: Severity;
  /** What has happened: `Started`, a reason of the catalogue, or the run's outcome. */
  moment: string;
  /** The Deployment's. */
  namespace: string;
  name: string;
  /** `shop/web: promoted`. */
  title: string;
  /** In words, why. */
  text: string;
  /** Names and values that belong to it, in order. */
  fields: readonly AlertField[];
}

export interface AlertField {
  name: string;
  value: string;
}

export const isAsSevere = (severity: Severity, least: Severity): boolean =>
  SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(least);
