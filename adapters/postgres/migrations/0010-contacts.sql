-- Of direct conversations: who of the two opened it, and so takes the other one for a contact. What was there before counts as opened by both.
ALTER TABLE member ADD COLUMN opened boolean NOT NULL DEFAULT false;
UPDATE member SET opened = true FROM conversation WHERE conversation.conversation_id = member.conversation_id AND conversation.kind = 'direct';
