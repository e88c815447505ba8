/** One engine of the stack: how to start it, and how to see that it is ready. */
export interface StackEngine {
  readonly name: string;
  /** The first one is where clients go. */
  readonly ports: readonly number[];
  /** Makes what is missing in its directory. Runs as long as it takes. */
  prepare(directory: string): EngineLaunch | Promise<EngineLaunch>;
  /** By what it wrote since it was started, or by asking it. */
  isReady(output: string): boolean | Promise<boolean>;
}

export interface EngineLaunch {
  readonly command: string;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
}
