import type { Service } from '../objects.ts';

// What Istio takes a Service's port to carry, by `appProtocol` or by the prefix of its name.

export type Port = NonNullable<NonNullable<Service['spec']>['ports']>[number];

/** `unknown`: found out by each connection's first bytes, so it may be HTTP or not. */
export type PortProtocol = 'http' | 'tls' | 'tcp' | 'unknown' | 'none';

const BY_NAME: Readonly<Record<string, PortProtocol>> = {
  http: 'http',
  http2: 'http',
  grpc: 'http',
  'grpc-web': 'http',
  'kubernetes.io/h2c': 'http',
  'kubernetes.io/ws': 'http',
  https: 'tls',
  tls: 'tls',
  'kubernetes.io/wss': 'tls',
  tcp: 'tcp',
  mongo: 'tcp',
  mysql: 'tcp',
  redis: 'tcp',
};

/** `none` for what proxies do not route: UDP and SCTP. */
export const protocolOf = ({ name = '', appProtocol, protocol = 'TCP' }: Port): PortProtocol => {
  if (protocol !== 'TCP') return 'none';
  const declared = appProtocol ?? (/^grpc-web(-|$)/.test(name) ? 'grpc-web' : name.split('-')[0]);
  return BY_NAME[(declared ?? '').toLowerCase()] ?? 'unknown';
};

/** Without a cluster address: callers choose pods themselves, and their proxies let them. */
export const isHeadless = ({ spec }: Service): boolean => spec?.clusterIP === 'None';
