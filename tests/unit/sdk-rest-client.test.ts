import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';

import { DomainError } from '../../protocol/errors.js';
import { parseKnownPart } from '../../sdk/known-part.js';
import { RestClient } from '../../sdk/rest/rest-client.js';
import { DeviceStage } from '../support/device-stage.js';
import { oneTimePrekeys } from '../support/sdk-party.js';

let stage: DeviceStage;

beforeAll(async () => {
  stage = await DeviceStage.start();
});
afterEach(() => {
  stage.server.answerRest = (_, body) => body;
});
afterAll(() => stage.end());

describe('a REST client', () => {
  const tokens: boolean[] = [];
  const client = async () => {
    const { address } = await stage.party();
    const token = `${address.accountId}.${address.deviceId}`;
    tokens.length = 0;
    return new RestClient(stage.server.url, (refused) => {
      tokens.push(refused);
      return Promise.resolve(token);
    });
  };

  test('throws the refusal of the server, with its code and when to come back', async () => {
    const rest = await client();
    stage.server.answerRest = () => {
      throw new DomainError('rate_limited', 'slowly', { retryAfterMs: 1_500 });
    };
    await expect(rest.call('countPrekeys', {})).rejects.toMatchObject({
      name: 'DomainError',
      code: 'rate_limited',
      retryAfterMs: 1_500,
      message: 'slowly',
    });
  });

  test('asks for a new token once when the server refuses the one it has', async () => {
    const rest = await client();
    const answers = [new DomainError('unauthenticated', 'an old token'), undefined];
    stage.server.answerRest = (_, body) => {
      const error = answers.shift();
      if (error !== undefined) throw error;
      return body;
    };
    expect(await rest.call('countPrekeys', {})).toEqual({ ec: oneTimePrekeys, kem: oneTimePrekeys });
    expect(tokens).toEqual([false, true]);
    stage.server.answerRest = () => {
      throw new DomainError('unauthenticated', 'never');
    };
    await expect(rest.call('countPrekeys', {})).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  test('is offline when nobody answers, when the answer breaks off, and when it is closed', async () => {
    const rest = await client();
    stage.server.answerRest = () => undefined;
    await expect(rest.call('countPrekeys', {})).rejects.toMatchObject({ name: 'SdkError', code: 'offline' });
    await expect(new RestClient('http://127.0.0.1:9', () => Promise.resolve('')).call('countPrekeys', {})).rejects.toMatchObject({ code: 'offline' });
    rest.close();
    await expect(rest.call('countPrekeys', {})).rejects.toMatchObject({ code: 'offline' });
  });

  test('does not take the page of a network for an answer', async () => {
    const rest = await client();
    stage.server.answerRest = () => '<html>Please log in</html>';
    await expect(rest.call('countPrekeys', {})).rejects.toMatchObject({ code: 'untrusted_server' });
  });

  test('passes over what a newer server adds, but not over what is missing', async () => {
    const rest = await client();
    stage.server.answerRest = () => ({ ec: 3, kem: 4, lattice: 5 });
    expect(await rest.call('countPrekeys', {})).toEqual({ ec: 3, kem: 4 });
    stage.server.answerRest = () => ({ ec: 3 });
    await expect(rest.call('countPrekeys', {})).rejects.toMatchObject({ code: 'untrusted_server' });
  });
});

describe('the known part of an answer', () => {
  const schema = z.strictObject({
    items: z.array(z.discriminatedUnion('type', [z.strictObject({ type: z.literal('a'), inner: z.strictObject({ n: z.number() }) })])),
  });

  test('is found at any depth', () => {
    const value = {
      items: [
        { type: 'a', inner: { n: 1, m: 2 }, x: 1 },
        { type: 'a', inner: { n: 2 } },
      ],
      next: 'later',
    };
    expect(parseKnownPart(schema, value)).toEqual({
      items: [
        { type: 'a', inner: { n: 1 } },
        { type: 'a', inner: { n: 2 } },
      ],
    });
  });

  test('does not hide what is wrong', () => {
    expect(() => parseKnownPart(schema, { items: [{ type: 'a', inner: { n: 'one', m: 2 } }] })).toThrow(z.ZodError);
    expect(() => parseKnownPart(schema, { items: [{ type: 'b', x: 1 }] })).toThrow(z.ZodError);
  });
});
