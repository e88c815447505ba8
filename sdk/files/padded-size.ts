const smallest = 541;
const growth = 1.05;

/** Bytes that a file of this size is filled up to, in steps of 5 %: its size tells little about which file it is. Never more than `most`, never less than the file. */
export function paddedSize(size: number, most: number): number {
  const step = growth ** Math.ceil(Math.log(Math.max(1, size)) / Math.log(growth));
  return Math.max(size, Math.min(most, Math.max(smallest, Math.floor(step))));
}
