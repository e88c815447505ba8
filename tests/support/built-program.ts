import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

import { transformFileSync } from '@swc/core';

/** Where a program of tests/ is that runs on the build, without its types: a loader for TypeScript would cost each of its processes more than a second of a processor. */
export function builtProgram(path: string): string {
  const target = resolve('dist', path.replace(/\.ts$/, '.js'));
  const { code } = transformFileSync(path, { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'es6' } });
  mkdirSync(dirname(target), { recursive: true });
  const part = `${target}.${process.pid}.part`;
  writeFileSync(part, code);
  renameSync(part, target);
  return target;
}
