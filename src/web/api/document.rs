//! The OpenAPI document, made of the table of operations and of the types of what they take and answer.

use axum::Json;
use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::super::trouble::Problem;
use super::{OPERATIONS, Operation, Verb, refer};

pub(super) async fn answer() -> Json<Value> {
    Json(document())
}

/// OpenAPI 3.1: its schemas are those of JSON Schema 2020-12.
fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut asks = settings.clone().into_generator();
    let mut answers = settings.for_serialize().into_generator();
    let problem = refer::<Problem>(&mut answers);
    let mut paths = Map::new();
    for operation in &OPERATIONS {
        let described = described(operation, &mut asks, &mut answers, &problem);
        let path = paths
            .entry(operation.path)
            .or_insert_with(|| Value::Object(Map::new()));
        let verb = match operation.verb {
            Verb::Get(_) => "get",
            Verb::Post(_) => "post",
        };
        if let Some(path) = path.as_object_mut() {
            path.insert(verb.to_owned(), described);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "steadfast",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What the commands show and do, for programs. What is shown is what the commands print with `--format json`.",
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "paths": paths,
        "security": [{}, { "user": [] }],
        "components": {
            "securitySchemes": {
                "user": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "A user of `[web]`, by name and password. On a daemon without users none is asked for.",
                },
            },
            "schemas": answers.take_definitions(true),
        },
    })
}

fn described(
    operation: &Operation,
    asks: &mut SchemaGenerator,
    answers: &mut SchemaGenerator,
    problem: &Schema,
) -> Value {
    let answer = (operation.answer)(answers);
    let in_path = operation
        .path
        .split('/')
        .filter_map(|step| step.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters: Vec<Value> = in_path
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
        .collect();
    let body = match operation.verb {
        Verb::Get(query) => {
            let query = query.map(|query| query(asks));
            parameters.extend(query.iter().flat_map(in_query));
            None
        }
        Verb::Post(body) => {
            let body = body(asks);
            Some(json!({ "required": true, "content": { "application/json": { "schema": body } } }))
        }
    };
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "description": format!("Takes the role `{}`.", operation.role.as_str()),
        "parameters": parameters,
        "responses": {
            "200": { "description": "Done", "content": { "application/json": { "schema": answer } } },
            "default": {
                "description": "Why it was not done (RFC 9457)",
                "content": { "application/problem+json": { "schema": problem } },
            },
        },
    });
    if let (Some(body), Some(described)) = (body, described.as_object_mut()) {
        described.insert("requestBody".to_owned(), body);
    }
    described
}

/// Each property of a query's type is a parameter.
fn in_query(schema: &Schema) -> Vec<Value> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let required = |name: &str| {
        let required = schema.get("required").and_then(Value::as_array);
        required.is_some_and(|required| required.iter().any(|known| known == name))
    };
    properties
        .into_iter()
        .flatten()
        .map(|(name, schema)| json!({ "name": name, "in": "query", "required": required(name), "schema": schema }))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Every `$ref` in it.
    fn references(of: &Value, found: &mut BTreeSet<String>) {
        match of {
            Value::Object(map) => {
                if let Some(Value::String(to)) = map.get("$ref") {
                    found.insert(to.clone());
                }
                map.values().for_each(|value| references(value, found));
            }
            Value::Array(list) => list.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document();
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        assert!(found.len() > 10, "{found:?}");
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }

    #[test]
    fn every_operation_is_described_once() {
        let document = document();
        let paths = document["paths"].as_object().unwrap();
        let described: usize = paths.values().map(|path| path.as_object().unwrap().len()).sum();
        assert_eq!(described, OPERATIONS.len());
        let ids: BTreeSet<&str> = OPERATIONS.iter().map(|operation| operation.id).collect();
        assert_eq!(ids.len(), OPERATIONS.len());
        let hold = &document["paths"]["/api/hold"]["post"];
        assert_eq!(
            hold["requestBody"]["content"]["application/json"]["schema"]["required"],
            json!(["why"])
        );
        let plan = &document["paths"]["/api/plan"]["get"]["parameters"];
        assert_eq!(plan[0]["name"], "from");
        assert_eq!(
            document["paths"]["/api/posts/{post}"]["get"]["parameters"][0]["in"],
            "path"
        );
    }
}
