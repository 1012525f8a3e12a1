// Why a check came out as it did. The same word stands in status, Event, log and metric label; docs/analysis.md
// explains each. The readings' own reasons (of a metrics server that could not tell) pass through unchanged.

export const PASSED = 'ChecksPassed';
export const SUCCESS_RATE_KEPT = 'SuccessRateKept';
export const SUCCESS_RATE_MISSED = 'SuccessRateMissed';
export const LATENCY_KEPT = 'LatencyKept';
export const LATENCY_MISSED = 'LatencyMissed';
export const METRIC_KEPT = 'MetricKept';
export const METRIC_MISSED = 'MetricMissed';
export const NOT_READ = 'MetricNotRead';
export const NOT_ENOUGH_REQUESTS = 'NotEnoughRequests';
export const NOT_ENOUGH_PRIMARY_REQUESTS = 'NotEnoughPrimaryRequests';
export const NO_PRIMARY_SAMPLES = 'NoPrimarySamples';
export const UNDECIDED = 'Undecided';
export const NO_LATENCY_SAMPLES = 'NoLatencySamples';
export const STALE_SAMPLES = 'StaleSamples';
export const CANARY_HEALTHY = 'CanaryHealthy';
export const CANARY_NOT_READY = 'CanaryNotReady';
export const CANARY_RESTARTED = 'CanaryRestarted';
export const CANARY_OUT_OF_MEMORY = 'CanaryOutOfMemory';
export const OUTAGE_ERRORS = 'OutageErrors';
export const OUTAGE_LATENCY = 'OutageLatency';
export const WEBHOOK_PASSED = 'WebhookPassed';
export const WEBHOOK_FAILED = 'WebhookFailed';
export const SUCCESS_RATE_REFUTED = 'SuccessRateRefuted';
export const LATENCY_REFUTED = 'LatencyRefuted';
