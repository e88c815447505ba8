import { z } from 'zod';

import { describeIssues, fieldOf } from '../../protocol/encoding.js';
import { DomainError } from '../../protocol/errors.js';
import { blobId, messageId } from '../../protocol/ids.js';
import { limits } from '../../protocol/limits.js';
import { packr } from '../packr.js';

const version = 1;
const maxQuestionLength = 300;
const maxOptionLength = 100;
const minOptions = 2;
const maxOptions = 12;
const maxNameLength = 255;
const maxMediaTypeLength = 100;
/** Families with skin tones have 40; what comes is newer than what this version knows, so there is room. */
const maxEmojiLength = 64;

const graphemes = new Intl.Segmenter();
/** Pictures that Unicode has or keeps room for, flags, and keycaps. */
const picture = /\p{Extended_Pictographic}|\p{Regional_Indicator}|\u20e3/u;

const isEmoji = (text: string) => picture.test(text) && [...graphemes.segment(text)].length === 1;
const areDifferent = (values: readonly unknown[]) => new Set(values).size === values.length;

const textContent = z.object({
  type: z.literal('text'),
  text: z.string().min(1),
  /** A message of the same conversation. */
  replyTo: messageId.optional(),
});

const pollContent = z.object({
  type: z.literal('poll'),
  question: z.string().min(1).max(maxQuestionLength),
  options: z.array(z.string().min(1).max(maxOptionLength)).min(minOptions).max(maxOptions).refine(areDifferent, 'must be different from each other'),
  choice: z.enum(['single', 'multiple']),
});

const secret = z.custom<Uint8Array>((value) => value instanceof Uint8Array && value.byteLength === 32, { error: 'must be 32 bytes' });
/** Where the bytes of a file are, and what opens them. Made by `device.files`. */
const fileContent = z.object({
  type: z.literal('file'),
  blobId,
  key: secret,
  /** SHA-256 of the sealed bytes. */
  sha256: secret,
  /** Of the file itself, in bytes. */
  size: z.number().int().min(0).max(limits.maxMediaBytes),
  /** Without a path. */
  name: z
    .string()
    .min(1)
    .max(maxNameLength)
    .refine((name) => !/[/\\\0]/.test(name) && name !== '.' && name !== '..', 'must be a name without a path'),
  mediaType: z.string().min(1).max(maxMediaTypeLength).optional(),
  /** Said with it. */
  text: z.string().min(1).optional(),
});

/** How long what is said from here on stays, on all devices of the conversation; without `seconds` for ever. */
const disappearingContent = z.object({
  type: z.literal('disappearing'),
  seconds: z.number().int().min(1).max(limits.maxTtlSeconds).optional(),
});

/** Another text for an own one. */
const editContent = z.object({ type: z.literal('edit'), messageId, text: z.string().min(1) });
/** For everyone. */
const deleteContent = z.object({ type: z.literal('delete'), messageId });
const reactionContent = z.object({
  type: z.literal('reaction'),
  messageId,
  /** Empty: none any more. */
  emoji: z
    .string()
    .max(maxEmojiLength)
    .refine((text) => text === '' || isEmoji(text), 'must be one emoji, or empty'),
});
const voteContent = z.object({
  type: z.literal('poll-vote'),
  messageId,
  /** Options of the poll, from 0; empty: no vote any more. */
  choices: z
    .array(
      z
        .number()
        .int()
        .min(0)
        .max(maxOptions - 1),
    )
    .refine(areDifferent, 'must be different from each other'),
});

const kinds = [textContent, pollContent, fileContent, disappearingContent, editContent, deleteContent, reactionContent, voteContent] as const;
/** What people say to each other. New kinds are added here; the server never sees it. */
const content = z.discriminatedUnion('type', kinds);
export type Content = z.infer<typeof content>;

/** What is no message of its own, but does something to the one that it names. */
export type EffectContent = Extract<Content, { readonly messageId: unknown }>;

/** What a device shows of a content that a newer version made. */
export interface UnsupportedContent {
  readonly type: 'unsupported';
}

export function isEffect(value: { readonly type: string }): value is EffectContent {
  return 'messageId' in value;
}

const versioned = z.object({ v: z.number().int(), content: z.unknown(), ttlSeconds: z.number().int().min(1).optional() });

/** What a body says. */
export interface Said<Kinds = Content | UnsupportedContent> {
  readonly content: Kinds;
  /** How long it stays. The server is told too, but what counts on devices is this: it cannot be changed on the way. */
  readonly ttlSeconds?: number | undefined;
}

/** Throws DomainError `invalid_request` for what the other side could not show. */
export function checkContent(value: Content): Content {
  const checked = content.safeParse(value);
  if (checked.success) return checked.data;
  throw new DomainError('invalid_request', describeIssues(checked.error, 'content'), { detail: { field: fieldOf(checked.error) } });
}

/** msgpack of `{ v, content, ttlSeconds }`. Throws as `checkContent` does. */
export function encodeContent({ content: said, ttlSeconds }: Said<Content>): Uint8Array {
  return packr.pack({ v: version, content: checkContent(said), ...(ttlSeconds === undefined ? {} : { ttlSeconds }) });
}

/** Whatever the peer sent: what this version does not know, or what is malformed, is `unsupported`, never an error. */
export function decodeContent(bytes: Uint8Array): Said {
  let value: unknown;
  try {
    value = packr.unpack(bytes);
  } catch {
    return { content: { type: 'unsupported' } };
  }
  const outer = versioned.safeParse(value);
  if (!outer.success) return { content: { type: 'unsupported' } };
  const { v, ttlSeconds } = outer.data;
  const inner = content.safeParse(outer.data.content);
  return { content: v === version && inner.success ? inner.data : { type: 'unsupported' }, ttlSeconds };
}
