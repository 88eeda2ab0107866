import { storeFailure } from '../../../runtime/router/store/store-failure.ts';

const failure = (message: string, fields: object = {}) => storeFailure(Object.assign(new Error(message), fields));

test.each([
  ['connect ECONNREFUSED 127.0.0.1:5432', { code: 'ECONNREFUSED' }],
  ['getaddrinfo ENOTFOUND db', { code: 'ENOTFOUND' }],
  ['the database system is starting up', { code: '57P03' }],
  ['terminating connection due to administrator command', { code: '57P01' }],
  ['sorry, too many clients already', { code: '53300' }],
  ['Connection terminated unexpectedly', {}],
  ['Connection terminated due to connection timeout', {}],
  ['timeout exceeded when trying to connect', {}],
  ['Query read timeout', {}],
  ['Client has encountered a connection error and is not queryable', {}],
  ['database is locked', { code: 'ERR_SQLITE_ERROR', errcode: 5 }],
  ['attempt to write a readonly database', { code: 'ERR_SQLITE_ERROR', errcode: 8 }],
  ['disk I/O error', { code: 'ERR_SQLITE_ERROR', errcode: 10 | (3 << 8) }],
  ['database or disk is full', { code: 'ERR_SQLITE_ERROR', errcode: 13 }],
])('"%s" means that the database is down', (message, fields) => {
  expect(failure(message, fields)).toBe('down');
});

test('a host with two addresses fails with the failures of both', () => {
  const refused = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
  expect(storeFailure(new AggregateError([refused, refused]))).toBe('down');
});

test.each(['40001', '40P01'])('%s is a conflict, to be tried again', (code) => {
  expect(failure('deadlock detected', { code })).toBe('conflict');
});

test.each([
  ['relation "x" does not exist', { code: '42P01' }],
  ['duplicate key value', { code: '23505' }],
  ['password authentication failed', { code: '28P01' }],
  ['UNIQUE constraint failed', { code: 'ERR_SQLITE_ERROR', errcode: 19 }],
  ['x is not a function', {}],
])('"%s" is a mistake', (message, fields) => {
  expect(failure(message, fields)).toBe('mistake');
});
