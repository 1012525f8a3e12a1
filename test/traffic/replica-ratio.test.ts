import { createPassiveRouter } from '../../src/traffic/replica-ratio.ts';
import { describeRouterContract, service } from './router-contract.ts';

for (const provider of ['replicas', 'none'] as const) {
  describeRouterContract(provider, () => ({
    router: createPassiveRouter(provider),
    target: { key: 'shop/web', owner: undefined, services: [service('web')] },
    writes: () => 0,
    users: () => [],
    own: () => [],
    withService: (late) => ({
      key: 'shop/web',
      owner: undefined,
      services: [service('web'), service(late)],
    }),
  }));
}
