import { describe, expect, test } from '@jest/globals';

import { chatInputOf } from '../../cli/chat/chat-input.js';

describe('a typed line', () => {
  test('is a text', () => {
    expect(chatInputOf('  hello bob ')).toEqual({ kind: 'text', text: 'hello bob' });
  });

  test('is a command when it begins with a slash', () => {
    expect(chatInputOf('/with bob')).toEqual({ kind: 'command', name: 'with', argument: 'bob' });
    expect(chatInputOf('/group  friends bob  carol ')).toEqual({ kind: 'command', name: 'group', argument: 'friends bob  carol' });
    expect(chatInputOf('/quit')).toEqual({ kind: 'command', name: 'quit', argument: undefined });
    expect(chatInputOf('/')).toEqual({ kind: 'command', name: '', argument: undefined });
  });

  test('is a text with one slash when it begins with two', () => {
    expect(chatInputOf('//etc is a directory')).toEqual({ kind: 'text', text: '/etc is a directory' });
  });

  test('may be empty', () => {
    expect(chatInputOf('   ')).toEqual({ kind: 'nothing' });
  });
});
