import type { Kanari } from '../../../lab/kanari.ts';
import type { Lab } from '../../../lab/lab.ts';
import type { Shop, ShopOptions } from '../loaded-shop.ts';
import { createOpeningHours } from '../opening-hours.ts';

// A column of the traffic matrix: one way of routing, in a lab that may be shared with others.

export interface ColumnWorld {
  lab: Lab;
  /** For what the API server refuses without Kanari's answer: no restart begins before it is done. */
  whileUp: <T>(work: () => Promise<T>) => Promise<T>;
  /** Ends Kanari as a crash does, and resolves when the next process answers. Calls are carried out one by one. */
  restartKanari: () => Promise<void>;
}

export interface Column {
  /** As the table of results names it. */
  name: string;
  /** Begins the namespaces of its shops. */
  slug: string;
  /** Proxies share requests out by weight: the share that is seen is the share that was asked for. */
  weighted: boolean;
  /** Paths of the collections of a namespace (`{namespace}`) that hold routes: what is the user's comes out as it went in. */
  routes: readonly string[];
  world(): ColumnWorld;
  open(options: Pick<ShopOptions, 'rps' | 'replicas' | 'settings'> & { namespace: string }): Promise<Shop>;
}

/** Of a world whose shops share one Kanari. */
export const columnWorld = (lab: Lab, kanari: Kanari): ColumnWorld => {
  const { during, closed } = createOpeningHours();
  return {
    lab,
    whileUp: during,
    restartKanari: () =>
      closed(async () => {
        await kanari.kill();
        await kanari.start();
      }),
  };
};
