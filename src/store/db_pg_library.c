// SPDX-License-Identifier: MIT
/* The functions of libpq that are called, each passed on to the library, which only a server on
 * PostgreSQL loads. */
#include "store/db_pg_int.h"
#include "sys/late.h"

static LateLibrary lib = LATE_LIBRARY("libpq.so.5", "for a PostgreSQL database");

Err pg_load(Ctx *cx) { return late_load(cx, &lib); }

#define LATE(type, name, params, args) LATE_FUNCTION(&lib, type, name, params, args)

/* ---- connections ---- */

LATE(PGconn *, PQconnectdbParams, (const char *const *names, const char *const *values, int expand),
     (names, values, expand))
LATE(void, PQfinish, (PGconn * c), (c))
LATE(ConnStatusType, PQstatus, (const PGconn *c), (c))
LATE(PGTransactionStatusType, PQtransactionStatus, (const PGconn *c), (c))
LATE(char *, PQerrorMessage, (const PGconn *c), (c))
LATE(int, PQsocket, (const PGconn *c), (c))
LATE(int, PQisBusy, (PGconn * c), (c))
LATE(int, PQconsumeInput, (PGconn * c), (c))
LATE(PGcancel *, PQgetCancel, (PGconn * c), (c))
LATE(int, PQcancel, (PGcancel * cancel, char *error, int max), (cancel, error, max))
LATE(void, PQfreeCancel, (PGcancel * cancel), (cancel))

/* ---- statements ---- */

LATE(int, PQenterPipelineMode, (PGconn * c), (c))
LATE(int, PQexitPipelineMode, (PGconn * c), (c))
LATE(int, PQpipelineSync, (PGconn * c), (c))
LATE(int, PQsendQuery, (PGconn * c, const char *text), (c, text))
LATE(int, PQsendQueryParams,
     (PGconn * c, const char *text, int n, const Oid *types, const char *const *values,
      const int *sizes, const int *formats, int format),
     (c, text, n, types, values, sizes, formats, format))
LATE(int, PQsendPrepare,
     (PGconn * c, const char *name, const char *text, int n, const Oid *types),
     (c, name, text, n, types))
LATE(int, PQsendQueryPrepared,
     (PGconn * c, const char *name, int n, const char *const *values, const int *sizes,
      const int *formats, int format),
     (c, name, n, values, sizes, formats, format))

/* ---- results ---- */

LATE(PGresult *, PQgetResult, (PGconn * c), (c))
LATE(void, PQclear, (PGresult * r), (r))
LATE(ExecStatusType, PQresultStatus, (const PGresult *r), (r))
LATE(char *, PQresultErrorField, (const PGresult *r, int code), (r, code))
LATE(char *, PQcmdStatus, (PGresult * r), (r))
LATE(char *, PQcmdTuples, (PGresult * r), (r))
LATE(int, PQntuples, (const PGresult *r), (r))
LATE(int, PQnfields, (const PGresult *r), (r))
LATE(Oid, PQftype, (const PGresult *r, int column), (r, column))
LATE(int, PQgetisnull, (const PGresult *r, int row, int column), (r, row, column))
LATE(int, PQgetlength, (const PGresult *r, int row, int column), (r, row, column))
LATE(char *, PQgetvalue, (const PGresult *r, int row, int column), (r, row, column))
