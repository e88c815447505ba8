import { z } from 'zod';

import { linkId } from '../ids.js';
import { registered } from './account.js';
import { deviceDrain, deviceRemoval, deviceViews } from './device.js';
import { historyStep, linkAnswer, linkedDevice, linkProgress, linkQuestion, linkState, newLink, openedLink } from './link.js';
import { deviceNumber } from './path-params.js';
import { begunRemoval } from './removal.js';
import type { RestCall } from './rest-call.js';

const ofLink = z.strictObject({ linkId });

export const deviceCalls = {
  listDevices: {
    method: 'get',
    path: '/v1/devices',
    tag: 'devices',
    summary: "The active devices of one's own account.",
    tagged: true,
    answers: { 200: deviceViews },
    errors: [],
  },
  getDrain: {
    method: 'get',
    path: '/v1/devices/self/drain',
    tag: 'devices',
    summary: 'What waits for this device in its inbox: less and less while it is drained.',
    answers: { 200: deviceDrain },
    errors: [],
  },
  removeDevice: {
    method: 'delete',
    path: '/v1/devices/{deviceId}',
    tag: 'devices',
    summary:
      "Removes a device of one's own account: at once it is out, without keys. What it left is removed afterwards. Brings the signed list of the devices that stay.",
    params: z.strictObject({ deviceId: deviceNumber }),
    body: deviceRemoval,
    answers: { 202: begunRemoval },
    errors: ['not_found', 'conflict'],
  },
  openLink: {
    method: 'post',
    path: '/v1/links',
    tag: 'devices',
    summary: 'Opens a link, by which a device joins an account: for ten minutes.',
    open: true,
    body: newLink,
    answers: { 201: openedLink },
    errors: ['conflict', 'rate_limited'],
  },
  answerLink: {
    method: 'put',
    path: '/v1/links/{linkId}/answer',
    tag: 'devices',
    summary: "Lets the device that opened a link join one's own account. What is sealed is for that device alone.",
    params: ofLink,
    body: linkAnswer,
    answers: { 204: null },
    errors: ['not_found', 'conflict'],
  },
  readLink: {
    method: 'post',
    path: '/v1/links/{linkId}/state',
    tag: 'devices',
    summary: 'Whether a link was answered, for the device that opened it.',
    open: true,
    params: ofLink,
    body: linkQuestion,
    answers: { 200: linkState },
    errors: ['not_found', 'rate_limited'],
  },
  finishLink: {
    method: 'post',
    path: '/v1/links/{linkId}/device',
    tag: 'devices',
    summary: 'Registers the device of a link that was answered. Repeating it gives the first answer again, with status 200.',
    open: true,
    params: ofLink,
    body: linkedDevice,
    answers: { 201: registered, 200: registered },
    errors: ['not_found', 'conflict', 'gone', 'rate_limited'],
  },
  getLink: {
    method: 'get',
    path: '/v1/links/{linkId}',
    tag: 'devices',
    summary: "How far a link is that a device of one's own account answered, until a day after it ended.",
    params: ofLink,
    answers: { 200: linkProgress },
    errors: ['not_found'],
  },
  cancelLink: {
    method: 'delete',
    path: '/v1/links/{linkId}',
    tag: 'devices',
    summary: "Takes back the answer of one's own account: nobody joins by the link any more. A device that has joined is removed as any other.",
    params: ofLink,
    answers: { 204: null },
    errors: ['not_found', 'conflict'],
  },
  tellLinkStep: {
    method: 'put',
    path: '/v1/links/{linkId}/history',
    tag: 'devices',
    summary:
      'How far what was said before is on its way to the device that joined, told by the two devices. An earlier step than is known changes nothing.',
    params: ofLink,
    body: historyStep,
    answers: { 204: null },
    errors: ['not_found'],
  },
} as const satisfies Record<string, RestCall>;
