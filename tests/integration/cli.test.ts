/* eslint-disable max-lines -- every command of the program, on one server */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';

import { eventually } from '../support/eventually.js';
import { runNode, runProgram, type ProgramOutcome, type RunningProgram } from '../support/run-program.js';
import { TestServer } from '../support/server.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { VirtualTerminal } from '../support/virtual-terminal.js';

const main = 'dist/cli/main.js';
const directory = temporaryDirectory();
let server: TestServer;
const running: RunningProgram[] = [];

beforeAll(async () => {
  server = await TestServer.start({ each: 1 });
}, 120_000);
afterEach(async () => {
  for (const { process } of running) process.kill('SIGKILL');
  await Promise.all(running.splice(0).map(({ ended }) => ended));
});
afterAll(async () => {
  await server.stop();
  directory.remove();
});

function chatArgs(handle: string, ...more: readonly string[]): string[] {
  return ['chat', '--server', server.publicUrl, '--handle', handle, '--directory', join(directory.path, handle), ...more];
}

/** With all its input from a pipe. */
function piped(input: string, ...args: readonly string[]): Promise<ProgramOutcome> {
  return runNode([main, ...args], { input }).ended;
}

class Person {
  readonly terminal = new VirtualTerminal(80, 24);
  readonly program: RunningProgram;

  /** At a terminal of 80 columns. */
  constructor(...args: readonly string[]) {
    const command = `stty cols 80 rows 24; exec ${[process.execPath, main, ...args].join(' ')}`;
    this.program = runProgram('script', ['-qec', command, '/dev/null'], {
      env: { TERM: 'xterm' },
      onOutput: (text) => this.terminal.write(text),
    });
    running.push(this.program);
  }

  type(line: string): void {
    this.program.process.stdin?.write(`${line}\r`);
  }

  sees(text: string | RegExp): Promise<void> {
    return eventually(
      () => expect(this.terminal.text).toEqual(text instanceof RegExp ? expect.stringMatching(text) : expect.stringContaining(text)),
      20_000,
    );
  }
}

describe('heliograph', () => {
  test.each([[], ['chat'], ['link'], ['serve'], ['load']].map((command) => [command.join(' '), command] as const))(
    '%s --help says what it can do',
    async (_, command) => {
      const { code, stdout } = await piped('', ...command, '--help');
      expect(stdout).toMatch(/^Usage: heliograph/);
      expect(code).toBe(0);
    },
  );

  test.each([
    [['sing'], "error: unknown command 'sing'"],
    [['chat'], "error: required option '--handle <handle>' not specified"],
    [['chat', '--handle', 'A!'], '3 to 32 of a-z'],
    [['chat', '--handle', 'alice', '--passphrase-file', '/nowhere'], 'ENOENT'],
    [['load', '--pairs', '0'], "option '--pairs <count>' argument '0' is invalid"],
    [['load', '--closed', '--rate', '5'], "'--closed' cannot be used with option '--rate"],
  ])('%j is refused with what is wrong', async (args, problem) => {
    const { code, stderr } = await piped('', ...args);
    expect(stderr).toContain(problem);
    expect(stderr).not.toContain('    at ');
    expect(code).toBe(1);
  });

  test('load shows what a running server does', async () => {
    const { code, stdout } = await piped(
      '',
      'load',
      '--server',
      server.publicUrl,
      '--pairs',
      '2',
      '--rate',
      '20',
      '--seconds',
      '2',
      '--warm-up',
      '0.5',
      '--json',
    );
    expect(JSON.parse(stdout)).toMatchObject({ counts: { duplicates: 0, refused: {} }, unfinished: 0 });
    expect(code).toBe(0);
  }, 60_000);
});

describe('chat with input from a pipe', () => {
  test('sends every line, fetches what came meanwhile, and tells of every step', async () => {
    expect(await piped('', ...chatArgs('bob'))).toMatchObject({ code: 0, stderr: '' });
    const sent = await piped('hello\nsecond\n', ...chatArgs('alice', '--with', 'bob'));
    expect(sent).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('✓ "hello"') });
    const fetched = await piped('', ...chatArgs('bob', '--with', 'alice'));
    expect(fetched).toMatchObject({ code: 0, stdout: expect.stringMatching(/\d\d:\d\d alice: hello\n/) });
    await eventually(async () => {
      const { code, stdout } = await piped('', ...chatArgs('alice', '--with', 'bob'));
      expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('alice: hello ✓✓ read') });
    }, 20_000);
  }, 60_000);

  test('blocks, unblocks, and changes what others see', async () => {
    expect(await piped('', ...chatArgs('kim'))).toMatchObject({ code: 0 });
    const typed = ['/privacy read off', '/privacy seen contacts', '/block', '/privacy', '/unblock kim', '/privacy'];
    const { code, stdout } = await piped(`${typed.join('\n')}\n`, ...chatArgs('lea', '--with', 'kim'));
    const lines = stdout.split('\n').filter((line) => line.startsWith('  '));
    const shown = '  contacts sees when you are here; read receipts are off.';
    expect(lines.slice(0, 4)).toEqual([
      '  everyone sees when you are here; read receipts are off.',
      '  You blocked nobody.',
      shown,
      '  You blocked nobody.',
    ]);
    expect(lines.slice(4)).toEqual(['  Blocked kim.', shown, '  You blocked kim.', '  kim is not blocked any more.', shown, '  You blocked nobody.']);
    expect(code).toBe(0);
    const wrong = await piped('/privacy seen friends\n/block stranger\n', ...chatArgs('lea'));
    expect(wrong).toMatchObject({ code: 1, stdout: expect.stringMatching(/! say \/privacy seen.*\n.*! you never talked to stranger/s) });
  }, 60_000);

  test('says what cannot be done, and ends with 1', async () => {
    expect(await piped('hello\n', ...chatArgs('carol', '--with', 'nobody-of-this-name'))).toMatchObject({
      ...{ code: 1 },
      stdout: expect.stringContaining('! nobody here is called nobody-of-this-name'),
    });
    const away = ['chat', '--server', 'http://127.0.0.1:9', '--handle', 'dave', '--directory', join(directory.path, 'dave')];
    const { code, stderr } = await piped('', ...away);
    expect(stderr).toMatch(/^heliograph: .*`npm start` starts a server\n$/);
    expect(code).toBe(1);
    const other = ['chat', '--server', server.publicUrl, '--handle', 'carol', '--directory', join(directory.path, 'elsewhere')];
    expect(await piped('', ...other)).toMatchObject({ code: 1, stderr: expect.stringContaining('the handle carol is taken') });
  }, 60_000);
});

describe('chat at a terminal', () => {
  test('shows how far each message is, the other side, and that the server went and came back', async () => {
    await piped('', ...chatArgs('erin'));
    const frank = new Person(...chatArgs('frank', '--with', 'erin'));
    await frank.sees('erin>');
    await frank.sees('· online');
    frank.type('are you there?');
    await frank.sees(/frank: are you there\? ✓(?!✓)/);

    const erin = new Person(...chatArgs('erin', '--with', 'frank'));
    await erin.sees('frank: are you there?');
    await frank.sees('frank: are you there? ✓✓');
    await eventually(() => expect(frank.program.stdout()).toContain('are you there? \u001b[94m✓✓'));

    await server.kill();
    await frank.sees(/· offline: .*; reconnecting in/);
    frank.type('for later');
    await frank.sees('frank: for later ⏳');
    await server.restart();
    // Each would come back by itself, within 30 s.
    for (const person of [frank, erin]) person.type('');
    await frank.sees('frank: for later ✓✓');
    await erin.sees('frank: for later');

    erin.type('/safety');
    frank.type('/safety');
    const digits = /\d{5} \d{5} \d{5} \d{5}/;
    await Promise.all([erin.sees(digits), frank.sees(digits)]);
    expect(digits.exec(erin.terminal.text)?.[0]).toBe(digits.exec(frank.terminal.text)?.[0]);
    erin.type('/quit');
    expect((await erin.program.ended).code).toBe(0);
  }, 120_000);

  test('makes a group, and shows everybody in it what is said and what changes', async () => {
    await Promise.all(['ivan', 'judy'].map((handle) => piped('', ...chatArgs(handle))));
    const heidi = new Person(...chatArgs('heidi'));
    await heidi.sees('· online');
    heidi.type('/group friends ivan');
    await heidi.sees('#friends>');
    heidi.type('hello all');
    const ivan = new Person(...chatArgs('ivan'));
    await ivan.sees(/heidi: hello all\) — \/with #friends/);
    ivan.type('/with #friends');
    await ivan.sees('· heidi made the group');
    await heidi.sees('heidi: hello all ✓✓');
    ivan.type('/add judy');
    await ivan.sees('! only admins and the owner change the members of a group');
    heidi.type('/add judy');
    await ivan.sees('· heidi added judy');
    ivan.type('/members');
    await ivan.sees('heidi (owner)');
    ivan.type('/safety');
    await ivan.sees('! safety numbers are between two people');
    heidi.type('/explain');
    await heidi.sees('  ivan: read');
    heidi.type('/title good friends');
    await ivan.sees('· heidi changed the title');
    heidi.type('/admin ivan');
    await ivan.sees(/· heidi made \S+ admin/);
    heidi.type('/member ivan');
    await ivan.sees(/· heidi made \S+ member/);
    heidi.type('/invite');
    await heidi.sees('/join ');
    heidi.type('/endinvite');
    heidi.type('/remove judy');
    await ivan.sees('· heidi removed judy');
    ivan.type('/leave');
    await heidi.sees('· ivan left');
  }, 120_000);

  test('sends a file, and saves one that came', async () => {
    await piped('', ...chatArgs('quinn'));
    const peggy = new Person(...chatArgs('peggy', '--with', 'quinn'));
    await peggy.sees('· online');
    const path = join(directory.path, 'notes.txt');
    writeFileSync(path, 'what we said');
    peggy.type(`/send ${join(directory.path, 'missing.txt')}`);
    await peggy.sees('! ENOENT');
    peggy.type(`/send ${path}`);
    await peggy.sees('peggy: [notes.txt, 12 B] ✓');
    const quinn = new Person(...chatArgs('quinn', '--with', 'peggy'));
    await quinn.sees('[1] ');
    await quinn.sees('peggy: [notes.txt, 12 B]');
    quinn.type(`/save 1 ${path}`);
    await quinn.sees('! path: there is something already');
    const saved = join(directory.path, 'saved.txt');
    quinn.type(`/save 1 ${saved}`);
    await quinn.sees('Saved ');
    expect(readFileSync(saved, 'utf8')).toBe('what we said');
    quinn.type('/save 2');
    await quinn.sees('! there is no message [2] here');
  }, 60_000);

  test('makes a channel, lets people in by its invite, and shows them what is posted', async () => {
    const nina = new Person(...chatArgs('nina'));
    await nina.sees('· online');
    nina.type('/channel Village news');
    await nina.sees('#Village news>');
    nina.type('first post');
    await nina.sees('nina: first post ✓');
    nina.type('/invite');
    const invite = /\/join ([\w-]+\.1\.[\w-]{43})/;
    await eventually(() => expect(nina.program.stdout()).toMatch(invite));
    const oscar = new Person(...chatArgs('oscar'));
    await oscar.sees('· online');
    oscar.type(`/join ${invite.exec(nina.program.stdout())?.[1] ?? ''}`);
    await oscar.sees('nina: first post');
    await oscar.sees('· nina made the channel');
    oscar.type('me too');
    await oscar.sees('! only the owner and the admins of a channel post in it');
    oscar.type('/members');
    await oscar.sees('2 in all; nina (owner)');
    nina.type('/admin oscar');
    await oscar.sees(/· nina made \S+ admin/);
    oscar.type('now me');
    await nina.sees('oscar: now me');
    nina.type('/remove oscar');
    nina.type('only for nina');
    await nina.sees('nina: only for nina ✓');
    nina.type('/add oscar');
    await nina.sees('! people join a channel by its invite');
    nina.type('/leave');
    nina.type('gone?');
    await nina.sees('! only the owner and the admins');
  }, 120_000);

  test('replies, reacts, edits, deletes, asks and lets messages disappear', async () => {
    await piped('', ...chatArgs('mallory'));
    const mike = new Person(...chatArgs('mike', '--with', 'mallory'));
    await mike.sees('· online');
    mike.type('lunhc?');
    await mike.sees(/\[1\] \d\d:\d\d mike: lunhc\?/);
    const mallory = new Person(...chatArgs('mallory', '--with', 'mike'));
    await mallory.sees(/\[1\] \d\d:\d\d mike: lunhc\?/);
    mike.type('/edit lunch?');
    await mallory.sees('mike: lunch? (edited)');
    mallory.type('/react 1 👍');
    await mike.sees('mike: lunch? (edited) · 👍');
    mallory.type('/reply 1 gladly');
    await mike.sees('[2]');
    await mike.sees('mallory: ↪ "lunch?" gladly');
    mike.type('/explain 1');
    await mike.sees('  mallory: read');
    mike.type('/poll Where? | here | there');
    await mallory.sees(/\[3\] .*mike: Where\? \[1 here \(0\), 2 there \(0\)\]/);
    mallory.type('/vote 3 2');
    await mike.sees('Where? [1 here (0), 2 there (1)]');
    mallory.type('/delete');
    await mike.sees('mallory: [deleted]');
    mallory.type('/multipoll Which? | this | that');
    await mike.sees(/mallory: Which\? \[1 this \(0\), 2 that \(0\)\]/);
    mike.type('/for 2s gone at once');
    await mallory.sees('mike: gone at once');
    mike.type('/edit [1] 1 pm?');
    await mallory.sees('mike: 1 pm? (edited)');
    mike.type('/for ever this');
    await mike.sees('! a time is a number and s, m, h or d: /for 8h TEXT');
    mallory.type('/who');
    await mallory.sees('mike');
    mallory.type('/history 1');
    mallory.type('/verify');
    await mallory.sees('Verified.');
    mallory.type('/approve');
    await mallory.sees('Approved.');
    mallory.type('/disappear 3s');
    await mike.sees('· mallory lets what is said disappear after 3s');
    mallory.type('soon gone');
    await mike.sees('mallory: soon gone');
    await Promise.all([mike.sees('[disappeared]'), mallory.sees('[disappeared]')]);
    mike.type('/react 77 👍');
    await mike.sees('! there is no message [77] here');
    mike.type('/edit');
    await mike.sees('! say the text: /edit TEXT');
    mike.type('/edit [77] none');
    await mike.sees('! there is no message [77] here');
    mike.type('/disappear sometime');
    await mike.sees('! a time is a number and s, m, h or d');
  }, 120_000);
});

describe('link', () => {
  test('can be taken back until the other terminal has joined', async () => {
    const args = ['--server', server.publicUrl, '--directory', join(directory.path, 'phablet')];
    const phablet = runNode([main, 'link', ...args]);
    running.push(phablet);
    await eventually(() => expect(phablet.stdout()).toMatch(/\/link \S+/));
    const [command = '', linkId = ''] = /\/link [^.\s]+\.([^.\s]+)\.\S+/.exec(phablet.stdout()) ?? [];
    phablet.process.kill('SIGKILL');
    await phablet.ended;
    const linking = await piped(`${command}\n/endlink ${linkId}\n/devices\n`, ...chatArgs('yves'));
    expect(linking).toMatchObject({ code: 0, stderr: '' });
    expect(linking.stdout).toMatch(new RegExp(`/endlink ${linkId}[^]*Nobody joins by that code any more`));
    expect(linking.stdout.match(/^ {2}\d {2}/gm)).toHaveLength(1);
  });

  test('makes a terminal a further device, which chats; both show the same digits, and one may remove the other', async () => {
    const args = ['--server', server.publicUrl, '--directory', join(directory.path, 'tablet')];
    const tablet = runNode([main, 'link', ...args, '--name', 'tablet']);
    running.push(tablet);
    await eventually(() => expect(tablet.stdout()).toMatch(/\/link \S+/));
    const [command = ''] = /\/link \S+/.exec(tablet.stdout()) ?? [];
    const linking = await piped(`${command}\n/devices\n`, ...chatArgs('zoe'));
    expect(linking).toMatchObject({ code: 0, stderr: '' });
    expect(await tablet.ended).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('device 2 of zoe') });
    const shownBy = (text: string) => /\b\d{6}\b/.exec(text)?.[0];
    expect(shownBy(linking.stdout)).toBe(shownBy(tablet.stdout().split('The other device shows')[1] ?? 'nothing'));
    expect(await piped('/devices\n/unlink 1\n/unlink 7\n', 'chat', ...args, '--handle', 'zoe')).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/2 {2}tablet, this one[^]*Device 1 is no device of yours any more/),
    });
    expect(await piped('', ...chatArgs('zoe'))).toMatchObject({ code: 1, stderr: expect.stringContaining('heliograph: ') });
  });
});
