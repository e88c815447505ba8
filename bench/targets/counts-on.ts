/** Sums of counters over the metrics of some processes. */
export async function countsOn<Name extends string>(
  adminUrls: readonly string[],
  counters: Readonly<Record<Name, string>>,
): Promise<Readonly<Record<Name, number>>> {
  const texts = await Promise.all(adminUrls.map(async (url) => (await fetch(`${url}/metrics`)).text()));
  const sumOf = (counter: string) => texts.reduce((sum, text) => sum + Number(new RegExp(`^${counter} (\\S+)`, 'm').exec(text)?.[1] ?? 0), 0);
  const names = Object.keys(counters) as Name[];
  return Object.fromEntries(names.map((name) => [name, sumOf(counters[name])])) as Record<Name, number>;
}
