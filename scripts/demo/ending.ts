/** Aborted by the first Ctrl-C (or SIGTERM); the second ends the process without further ado. */
export const endingSignal = (): AbortSignal => {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    // Not `once`: the lab's own handlers ask whether somebody else listens, and end everything when nobody does.
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(130);
      console.log('\nstopping; Ctrl-C again does not wait');
      controller.abort(new Error(`ended by ${name}`));
    });
  }
  return controller.signal;
};

export const untilEnded = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
