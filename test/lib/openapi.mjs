// SPDX-License-Identifier: MIT
// The printed OpenAPI document as judge: every answer that a test sees must be one that the
// document promises.
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

const documents = new Map(); // base address -> Promise<Judge>
const pointer = (...parts) =>
        parts.map((p) => `/${String(p).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

class Judge {
        constructor(document) {
                this.document = document;
                this.ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: true });
                addFormats(this.ajv);
                this.ajv.addSchema(document, 'openapi.json');
                this.compiled = new Map();
                this.paths = Object.keys(document.paths).map((path) => ({
                        path,
                        parts: path.replace(/(.)\/$/, '$1').split('/'),
                }));
        }

        // The path template for a concrete path: fixed words win over {…}, a slash at the end makes
        // no difference.
        template(path) {
                const parts = path.replace(/(.)\/$/, '$1').split('/');
                const fits = this.paths.filter(
                        (t) =>
                                t.parts.length === parts.length &&
                                t.parts.every(
                                        (p, i) =>
                                                p === parts[i] ||
                                                (p.startsWith('{') && parts[i] !== ''),
                                ),
                );
                const holes = (t) => t.parts.map((p) => (p.startsWith('{') ? '1' : '0')).join('');
                return fits.sort((a, b) => holes(a).localeCompare(holes(b)))[0]?.path;
        }

        validator(ref) {
                if (!this.compiled.has(ref))
                        this.compiled.set(
                                ref,
                                this.ajv.compile({ $ref: `openapi.json#${encodeURI(ref)}` }),
                        );
                return this.compiled.get(ref);
        }

        #resolve(object, at) {
                if (!object?.$ref) return [object, at];
                const parts = object.$ref
                        .slice(2)
                        .split('/')
                        .map((p) => p.replaceAll('~1', '/').replaceAll('~0', '~'));
                return [parts.reduce((o, p) => o?.[p], this.document), pointer(...parts)];
        }

        // Where the document describes this answer: [response object, its JSON pointer], or a
        // complaint.
        #find(method, path, status) {
                const template = this.template(path);
                const verb = method.toLowerCase() === 'head' ? 'get' : method.toLowerCase();
                const operation = template && this.document.paths[template][verb];
                if (!operation) return { missing: true };
                const key = [String(status), `${String(status)[0]}XX`, 'default'].find(
                        (k) => operation.responses[k],
                );
                if (!key)
                        return {
                                complaint: `${method} ${template}: status ${status} is not declared`,
                        };
                const [response, at] = this.#resolve(
                        operation.responses[key],
                        pointer('paths', template, verb, 'responses', key),
                );
                return { response, at };
        }

        #problem(path, status, type, body) {
                if (type !== 'application/problem+json')
                        return `${path}: an answer ${status} outside the document must be application/problem+json, not ${type}`;
                const check = this.validator('/components/schemas/Problem');
                return check(body) ? null : `${path}: ${this.ajv.errorsText(check.errors)}`;
        }

        // null when the answer is as promised, else a sentence.
        complaint({ method, path, status, type, body, text }) {
                const { response, at, missing, complaint } = this.#find(method, path, status);
                if (complaint) return complaint;
                if (missing)
                        return method === 'OPTIONS' && status === 204
                                ? null
                                : method === 'HEAD'
                                  ? null
                                  : this.#problem(path, status, type, body);
                if (method === 'HEAD') return null;
                if (!response.content)
                        return text
                                ? `${method} ${path} ${status}: a body where none is promised`
                                : null;
                if (response.content['*/*']) return null;
                if (!response.content[type])
                        return `${method} ${path} ${status}: type ${type} is not declared (${Object.keys(response.content)})`;
                if (!response.content[type].schema || !/json/.test(type)) return null;
                const check = this.validator(`${at}${pointer('content', type, 'schema')}`);
                return check(body)
                        ? null
                        : `${method} ${path} ${status}: ${this.ajv.errorsText(check.errors)}\n${text.slice(0, 800)}`;
        }
}

// The judge of a server; the document is fetched once per address.
export function judgeFor(base) {
        if (!documents.has(base))
                documents.set(
                        base,
                        fetch(`${base}/openapi.json`).then(async (r) => {
                                if (r.status !== 200)
                                        throw new Error(`GET /openapi.json: ${r.status}`);
                                return new Judge(await r.json());
                        }),
                );
        return documents.get(base);
}
