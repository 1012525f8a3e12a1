import type { Kanari } from '../../../lab/kanari.ts';
import type { Lab } from '../../../lab/lab.ts';
import type { Shop, ShopOptions } from '../loaded-shop.ts';

// A column of the traffic matrix: one way of routing, in a lab that may be shared with others.

export interface ColumnWorld {
  lab: Lab;
  /** Ends Kanari as a crash does, and resolves when the next process answers. Calls are carried out one by one. */
  restartKanari(): Promise<void>;
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

/** One restart at a time, however many ask. */
export const serialRestarts = (kanari: () => Kanari): (() => Promise<void>) => {
  let last: Promise<void> = Promise.resolve();
  return () => {
    const next = last.then(async () => {
      await kanari().kill();
      await kanari().start();
    });
    last = next.catch(() => undefined);
    return next;
  };
};
