import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Packr } from 'msgpackr';

import { limits } from '../../protocol/limits.js';
import { decodeContent, encodeContent, type Content } from '../../sdk/encryption/content.js';
import { newMessageId } from '../support/ids.js';

const packr = new Packr({ useRecords: false, mapsAsObjects: true, variableMapSize: true });
const messageId = newMessageId();
const options = (count: number) => Array.from({ length: count }, (_, index) => `option ${index}`);
const poll = (more: object): Content => ({ type: 'poll', question: 'Lunch?', options: options(2), choice: 'single', ...more });
const reaction = (emoji: string): Content => ({ type: 'reaction', messageId, emoji });
const vote = (...choices: number[]): Content => ({ type: 'poll-vote', messageId, choices });

describe('content', () => {
  const text = fc.string({ minLength: 1, maxLength: 100, unit: 'grapheme' });
  const id = fc.uuid().map((uuid) => uuid as typeof messageId);
  const content: fc.Arbitrary<Content> = fc.oneof(
    fc.record({ type: fc.constant('text' as const), text, replyTo: id }),
    fc.record({ type: fc.constant('edit' as const), text, messageId: id }),
    fc.record({ type: fc.constant('delete' as const), messageId: id }),
    fc.record({ type: fc.constant('poll-vote' as const), messageId: id, choices: fc.uniqueArray(fc.nat(11)) }),
    fc.record({ type: fc.constant('disappearing' as const), seconds: fc.integer({ min: 1, max: limits.maxTtlSeconds }) }),
    fc.constantFrom(...['👍', '❤️', '👩‍👩‍👧', '🏳️‍🌈', '🇨🇭', '1️⃣', '👋🏽', ''].map(reaction)),
    fc.constantFrom(poll({}), poll({ options: options(12), choice: 'multiple' }), { type: 'disappearing' as const }),
  );

  test('of every kind comes back as it went', () => {
    fc.assert(
      fc.property(content, fc.option(fc.integer({ min: 1 }), { nil: undefined }), (value, ttlSeconds) => {
        expect(decodeContent(encodeContent({ content: value, ttlSeconds }))).toEqual({ content: value, ttlSeconds });
      }),
    );
  });

  test.each<[Content, string]>([
    [{ type: 'text', text: '' }, 'text'],
    [{ type: 'text', text: 'x', replyTo: 'that one' as typeof messageId }, 'replyTo'],
    [{ type: 'edit', messageId, text: '' }, 'text'],
    [{ type: 'delete', messageId: '' as typeof messageId }, 'messageId'],
    [reaction('good'), 'emoji'],
    [reaction('👍👍'), 'emoji'],
    [reaction('x👍'), 'emoji'],
    [poll({ question: '' }), 'question'],
    [poll({ question: 'x'.repeat(301) }), 'question'],
    [poll({ options: options(1) }), 'options'],
    [poll({ options: options(13) }), 'options'],
    [poll({ options: ['same', 'same'] }), 'options'],
    [poll({ options: ['fine', 'x'.repeat(101)] }), 'options.1'],
    [poll({ choice: 'some' }), 'choice'],
    [vote(-1), 'choices.0'],
    [vote(12), 'choices.0'],
    [vote(1, 1), 'choices'],
    [{ type: 'disappearing', seconds: 0 }, 'seconds'],
    [{ type: 'disappearing', seconds: limits.maxTtlSeconds + 1 }, 'seconds'],
  ])('%j is refused, with the field named', (value, field) => {
    expect(() => encodeContent({ content: value })).toThrow(expect.objectContaining({ code: 'invalid_request', detail: { field } }));
  });

  test.each([
    [{ v: 2, content: { type: 'text', text: 'from tomorrow' } }],
    [{ v: 1, content: { type: 'hologram', depth: 3 } }],
    [{ v: 1, content: { type: 'reaction', messageId, emoji: 'spoken' } }],
    [{ v: 1, content: null }],
    [{ v: 1 }],
    ['words'],
  ])('%j, of a newer version or malformed, is unsupported', (value) => {
    expect(decodeContent(packr.pack(value)).content).toEqual({ type: 'unsupported' });
  });

  test('what a newer version adds to a known kind is passed over', () => {
    const bytes = packr.pack({ v: 1, content: { type: 'text', text: 'hello', colour: 'blue' } });
    expect(decodeContent(bytes).content).toEqual({ type: 'text', text: 'hello' });
  });
});
