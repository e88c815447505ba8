import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { expect, test } from '@jest/globals';
import ts from 'typescript';

const page = readFileSync('docs/sdk.md', 'utf8');
const entry = resolve('sdk/index.ts');
const { options } = ts.parseJsonConfigFileContent(ts.readConfigFile('tsconfig.json', (path) => ts.sys.readFile(path)).config, ts.sys, '.');
const program = ts.createProgram([entry], { ...options, noEmit: true });
const checker = program.getTypeChecker();

/** What the SDK exports, by name. */
function exported(): ReadonlyMap<string, ts.Symbol> {
  const source = program.getSourceFile(entry);
  const module = source === undefined ? undefined : checker.getSymbolAtLocation(source);
  if (module === undefined) throw new Error('sdk/index.ts was not read');
  return new Map(checker.getExportsOfModule(module).map((symbol) => [symbol.name, checker.getAliasedSymbol(symbol)]));
}

/** Public members of an exported class or interface. */
function membersOf(name: string): readonly string[] {
  const symbol = exported().get(name);
  if (symbol === undefined) throw new Error(`the SDK exports no ${name}`);
  return checker
    .getDeclaredTypeOfSymbol(symbol)
    .getProperties()
    .map((member) => member.name)
    .filter((member) => !member.startsWith('#'));
}

const named = (name: string) => page.includes(`\`${name}\``) || page.includes(`\`${name}(`);

test('docs/sdk.md names everything that the SDK exports', () => {
  expect([...exported().keys()].length).toBeGreaterThan(30);
  expect(
    [...exported().keys()].filter(
      (name) => !named(name) && !page.includes(`\`${name}\``) && !page.includes(`: ${name}\``) && !page.includes(`: ${name})`),
    ),
  ).toEqual([]);
});

test.each(['Device', 'DeviceEvents', 'Groups', 'Channels', 'OwnDevices', 'Push', 'Files'])('docs/sdk.md names every member of %s', (name) => {
  const members = membersOf(name);
  expect(members.length).toBeGreaterThan(2);
  expect(members.filter((member) => !named(member) && !page.includes(`device.${member}`))).toEqual([]);
});
