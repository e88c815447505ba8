/** Runs inside a server under test (`node --expose-gc --import` this file): SIGUSR2 makes its garbage collector go through everything. */
process.on('SIGUSR2', () => {
  globalThis.gc?.();
});
