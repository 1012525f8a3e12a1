import type { KubeObject } from '../../src/core/objects.ts';
import type { TrafficTarget } from '../../src/traffic/router.ts';
import { all, bare, routeTo, ruleFor, setUp, target } from './istio-fixture.ts';
import { istioRoutes } from './istio-world.ts';
import { observed } from './observed.ts';
import { describeRouterContract, type RouterWorld, service } from './router-contract.ts';

/** The user's manifest, applied again with a time limit. */
const edited = (route: KubeObject): KubeObject => {
  const changed = structuredClone(route) as KubeObject & { spec: { http: object[] } };
  changed.spec.http = changed.spec.http.map((rule) => ({ ...rule, timeout: '3s' }));
  return changed;
};
const worldOf =
  (webhook: boolean, services: TrafficTarget['services'], users: KubeObject[]) => (): RouterWorld => {
    const { api, router } = setUp(...users);
    api.webhook = webhook;
    const own = { ...target, services };
    const web = users.find(({ kind }) => kind === 'VirtualService');
    return {
      router,
      target: own,
      routes: istioRoutes(api, { edited: web && edited(web), further: routeTo('further', 'web') }),
      withService: (name) => ({ ...own, services: [...services, service(name)] }),
      onWrite: (handler) => {
        api.before = handler;
      },
      ...observed(api, () => all(api), bare),
    };
  };

const [web] = target.services;
const explicit = routeTo('web', 'web.shop', {
  http: [
    {
      route: [
        { destination: { host: 'web.shop' }, weight: 33 },
        { destination: { host: 'db' }, weight: 67 },
      ],
    },
  ],
  tcp: [{ route: [{ destination: { host: 'web' }, weight: 100 }] }],
});
for (const webhook of [true, false]) {
  const mode = webhook ? 'with the webhook' : 'by direct patches';
  describeRouterContract(
    `Istio ${mode} and the user's objects`,
    worldOf(webhook, [web!], [explicit, ruleFor('web', 'web')]),
  );
  describeRouterContract(`Istio ${mode} and nothing there`, worldOf(webhook, [web!], []));
  describeRouterContract(
    `Istio ${mode}, two Services and several routes`,
    worldOf(
      webhook,
      [web!, service('web-admin')],
      [explicit, routeTo('more', 'web'), routeTo('other', 'db'), ruleFor('a', 'web-admin')],
    ),
  );
}
