import { createServer } from 'node:net';

// EndpointSlices refuse loopback addresses, so pods have 10.244.x.y in the API. In a network namespace of the lab's own
// (scripts/in-own-network.sh) they serve there; elsewhere on 127.244.x.y, because Linux answers on all of 127.0.0.0/8
// without being asked to.

export const POD_NETWORK = '10.244.';
const LOOPBACK_NETWORK = '127.244.';
/** Given to no pod: the lab's pool ends before it. */
const PROBE = `${POD_NETWORK}255.254`;

const canBind = (host: string): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(0, host, () => server.close(() => resolve(true)));
  });

/** Whether what knows pods by their addresses in the API, as every other program does, can reach them. */
export const podsHaveRealAddresses = await canBind(PROBE);

/** Where the pod with this IP can really be reached. */
export const servedAt = (podIp: string): string =>
  podsHaveRealAddresses || !podIp.startsWith(POD_NETWORK)
    ? podIp
    : `${LOOPBACK_NETWORK}${podIp.slice(POD_NETWORK.length)}`;
