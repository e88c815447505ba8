import type { RestDependencies } from './rest-dependencies.js';
import type { RestHandlers } from './rest-handler.js';

export function mediaHandlers({ keeper }: RestDependencies): RestHandlers<'createMedia' | 'getMedia' | 'revokeMedia'> {
  return {
    createMedia: async ({ caller, body }) => {
      const { headers, ...upload } = await keeper.create(caller.accountId, body);
      return { status: 201, body: { ...upload, headers: { ...headers } } };
    },
    getMedia: async ({ caller, params }) => ({ status: 200, body: await keeper.download(params.blobId, caller.accountId) }),
    revokeMedia: async ({ caller, params }) => {
      await keeper.revoke(params.blobId, caller.accountId);
      return { status: 204, body: undefined };
    },
  };
}
