import { ECDH } from 'node:crypto';
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { Agent, request as requestHttps } from 'node:https';

import type { PushOutcome, PushSender } from '../../ports/push-sender.js';
import { DomainError } from '../../protocol/errors.js';
import type { PushSubscription, WakeUpPayload } from '../../protocol/rest/push.js';
import { isPublicAddress, lookupPublic, PrivateAddressError } from './public-address.js';
import { vapidPublicKey } from './vapid-key.js';

const timeoutMs = 5_000;
const keptForSeconds = 24 * 3600;
/** Of several that wait at the service the newest stays. */
const topic = 'wake';

export interface WebPushSenderOptions {
  /** VAPID, base64url. */
  readonly privateKey: string;
  /** `mailto:` or `https:`: where a push service reaches the operator. */
  readonly subject: string;
  /** For tests and development: endpoints in private networks, without TLS if they like. */
  readonly allowPrivate: boolean;
}

/** Web Push to any service that browsers name. */
export function createWebPushSender({ privateKey, subject, allowPrivate }: WebPushSenderOptions): PushSender {
  const publicKey = vapidPublicKey(privateKey);
  const vapidDetails = { subject, publicKey, privateKey };
  // An agent of its own: connections that others made were not checked.
  const way = allowPrivate ? {} : { lookup: lookupPublic, agent: new Agent({ keepAlive: true }) };

  const post = async (subscription: PushSubscription, payload: WakeUpPayload): Promise<IncomingMessage> => {
    const options = { vapidDetails, TTL: keptForSeconds, urgency: 'high', topic } as const;
    // With all that it brings, for whoever sends a push at last.
    const { default: webPush } = await import('web-push');
    const { method, headers, body } = webPush.generateRequestDetails(subscription, JSON.stringify(payload), options);
    const url = new URL(subscription.endpoint);
    const request = url.protocol === 'http:' ? requestHttp : requestHttps;
    return new Promise((resolve, reject) => {
      const signal = AbortSignal.timeout(timeoutMs);
      const sending = request(url, { method, headers, signal, ...way }, (response) => {
        response.on('error', () => undefined).resume();
        resolve(response);
      });
      sending.on('error', reject).end(body);
    });
  };

  const check = ({ endpoint, keys }: PushSubscription): void => {
    const { protocol, hostname, username, password } = new URL(endpoint);
    if (protocol !== 'https:' && !(allowPrivate && protocol === 'http:')) throw refusal('endpoint', 'must be https');
    if (username !== '' || password !== '') throw refusal('endpoint', 'must not name a user');
    if (!allowPrivate && (isPublicAddress(hostname) === false || /(^|\.)localhost\.?$/.test(hostname))) throw refusal('endpoint', 'must be public');
    if (!isPointOfP256(keys.p256dh)) throw refusal('keys.p256dh', 'must be a point of P-256');
  };

  return {
    applicationServerKey: publicKey,
    check,
    send: async (subscription, payload) => {
      try {
        check(subscription);
        return outcomeOf(await post(subscription, payload));
      } catch (error) {
        // Nobody listens there, or not in time: as it may be with a service that starts again.
        const isForGood = error instanceof DomainError || error instanceof PrivateAddressError;
        return { outcome: isForGood ? 'refused' : 'later' };
      }
    },
  };
}

function refusal(field: string, why: string): DomainError {
  return new DomainError('invalid_request', `${field}: ${why}`, { detail: { field } });
}

function isPointOfP256(publicKey: string): boolean {
  try {
    ECDH.convertKey(publicKey, 'prime256v1', 'base64url');
    return true;
  } catch {
    return false;
  }
}

/** RFC 8030, chapters 5 and 7.3; browsers' services answer 410 or 404 for what was unsubscribed. */
function outcomeOf({ statusCode = 0, headers }: IncomingMessage): PushOutcome {
  if (statusCode >= 200 && statusCode < 300) return { outcome: 'sent' };
  if (statusCode === 404 || statusCode === 410) return { outcome: 'unregistered' };
  if (statusCode === 429 || statusCode >= 500) return { outcome: 'later', retryAfterMs: retryAfterMsOf(headers['retry-after']) };
  return { outcome: 'refused' };
}

/** Seconds, or a date. */
function retryAfterMsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}
