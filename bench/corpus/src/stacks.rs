//! Stack traces, by the language of the service.

use std::fmt::Write;

use crate::dice::Dice;
use crate::services::Language;

#[rustfmt::skip]
const JAVA: [&str; 14] = [
    "org.postgresql.core.v3.QueryExecutorImpl.receiveErrorResponse(QueryExecutorImpl.java:2733)",
    "org.postgresql.core.v3.QueryExecutorImpl.processResults(QueryExecutorImpl.java:2420)",
    "org.postgresql.jdbc.PgStatement.executeInternal(PgStatement.java:517)",
    "org.postgresql.jdbc.PgPreparedStatement.executeWithFlags(PgPreparedStatement.java:194)",
    "com.zaxxer.hikari.pool.ProxyPreparedStatement.executeUpdate(ProxyPreparedStatement.java:61)",
    "shop.storage.JdbcRepository.update(JdbcRepository.java:118)",
    "shop.storage.JdbcRepository.inTransaction(JdbcRepository.java:72)",
    "shop.api.RequestHandler.handle(RequestHandler.java:203)",
    "org.springframework.web.method.support.InvocableHandlerMethod.doInvoke(InvocableHandlerMethod.java:258)",
    "org.springframework.web.servlet.DispatcherServlet.doDispatch(DispatcherServlet.java:1088)",
    "jakarta.servlet.http.HttpServlet.service(HttpServlet.java:590)",
    "org.apache.catalina.core.ApplicationFilterChain.doFilter(ApplicationFilterChain.java:140)",
    "org.apache.tomcat.util.threads.ThreadPoolExecutor.runWorker(ThreadPoolExecutor.java:1190)",
    "java.base/java.lang.Thread.run(Thread.java:1583)",
];

#[rustfmt::skip]
const DOTNET: [&str; 6] = [
    "StackExchange.Redis.ConnectionMultiplexer.ExecuteAsyncImpl[T](Message message, ResultProcessor`1 processor)",
    "Shop.Cart.RedisCartStore.AddItemAsync(String userId, String sku, Int32 quantity) in /src/Cart/RedisCartStore.cs:line 122",
    "Shop.Cart.CartService.Add(AddRequest request, ServerCallContext context) in /src/Cart/CartService.cs:line 39",
    "Grpc.Shared.Server.UnaryServerMethodInvoker`3.ResolvedInterceptorInvoker(TRequest resolvedRequest)",
    "Grpc.AspNetCore.Server.Internal.CallHandlers.UnaryServerCallHandler`3.HandleCallAsyncCore(HttpContext httpContext)",
    "Microsoft.AspNetCore.Routing.EndpointMiddleware.Invoke(HttpContext httpContext)",
];

#[rustfmt::skip]
const PYTHON: [&str; 5] = [
    "File \"/app/server.py\", line 88, in handle\n    return self.respond(request, context)",
    "File \"/app/recommender/service.py\", line 141, in respond\n    scores = self.model.score(candidates, timeout=self.timeout)",
    "File \"/app/recommender/model.py\", line 57, in score\n    response = self.stub.Predict(request, timeout=timeout)",
    "File \"/usr/lib/python3.12/site-packages/grpc/_channel.py\", line 1181, in __call__\n    return _end_unary_response_blocking(state, call, False, None)",
    "File \"/usr/lib/python3.12/site-packages/grpc/_channel.py\", line 1006, in _end_unary_response_blocking\n    raise _InactiveRpcError(state)",
];

/// Appends a stack trace; which frames it has varies a little.
pub fn write(out: &mut String, language: Language, exception: &str, message: &str, dice: &mut Dice) {
    let (frames, before, head): (&[&str], &str, bool) = match language {
        Language::Java => (&JAVA, "\n\tat ", true),
        Language::Dotnet => (&DOTNET, "\n   at ", true),
        _ => (&PYTHON, "\n  ", false),
    };
    let skipped = dice.below(3) as usize;
    if head {
        // Writing to a string does not fail.
        let _ = write!(out, "{exception}: {message}");
    } else {
        out.push_str("Traceback (most recent call last):");
    }
    for frame in &frames[skipped..] {
        out.push_str(before);
        out.push_str(frame);
    }
    if !head {
        let _ = write!(out, "\n{exception}: {message}");
    }
}
