/** All of them end before the first failure is thrown, so that what did start is in the closer. */
export async function allOrThrow<Parts extends readonly unknown[]>(parts: {
  readonly [Index in keyof Parts]: Promise<Parts[Index]>;
}): Promise<Parts> {
  await Promise.allSettled(parts);
  return await Promise.all(parts);
}
