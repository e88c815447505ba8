import { describe, expect, test } from '@jest/globals';
import asyncApiSchemas from '@asyncapi/specs';
import { Ajv } from 'ajv';

import { createAsyncApi, describeFrames } from '../../gateway/rest/asyncapi.js';
import { renderSocketPage } from '../../gateway/rest/socket-page.js';
import { encodings, parseClientFrame, parseServerFrame } from '../../protocol/encoding.js';

const frames = describeFrames();

const isValid = () => {
  const ajv = new Ajv({ meta: false, validateSchema: false, strict: false, logger: false, allErrors: true, validateFormats: false });
  return ajv.compile(asyncApiSchemas.schemas['3.0.0'] as object);
};

describe('the AsyncAPI document', () => {
  test('is one, by the schema of AsyncAPI 3', () => {
    const validate = isValid();
    validate(createAsyncApi());
    expect(validate.errors ?? []).toEqual([]);
    expect(validate({ ...createAsyncApi(), channels: { socket: { messages: 'none' } } })).toBe(false);
  });

  test('has only references that lead somewhere', () => {
    const document = createAsyncApi();
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path = '']) => path);
    expect(references.length).toBeGreaterThan(20);
    for (const path of references) {
      const found = path.split('/').reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], document);
      expect({ path, found: typeof found }).toEqual({ path, found: 'object' });
    }
  });

  test.each([
    ['a client', frames.fromClients, parseClientFrame],
    ['the server', frames.fromServer, parseServerFrame],
  ] as const)('shows a frame of each type that %s sends, as it may be sent', (_whose, described, parse) => {
    for (const { type, example } of described) {
      expect(parse(encodings.json, Buffer.from(JSON.stringify(example)))).toMatchObject({ type });
    }
  });
});

describe('the page of the socket', () => {
  test('names fields with their limits, and those of nested objects', () => {
    const page = renderSocketPage();
    const rowOf = (field: string) => page.split('<tr>').find((row) => row.startsWith(`<td><code>${field}</code></td>`));
    expect(rowOf('envelopes[].to.deviceId')).toContain('<td>integer, 1 to 127</td>');
    expect(rowOf('envelopes[].content')).toContain('<td>bytes, at most 16,384</td>');
    expect(rowOf('envelopes')).toContain('<td>list of object, at most 128</td>');
    expect(rowOf('strategy')).toContain('<code>strict</code> refuses');
    expect(rowOf('ttlSeconds')).toContain('may be missing');
  });
});
